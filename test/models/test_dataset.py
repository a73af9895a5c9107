"""Reading folders in Cityscapes layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from seg_perception.core.labels import LabelSet
from seg_perception.models.dataset import CityscapesFolder, DatasetError


def test_frames_are_read_in_order(street: Path, labels: LabelSet) -> None:
    folder = CityscapesFolder(street, 'val', labels)
    assert [frame.name for frame in folder.frames] == [f'town_{n:06d}_000019' for n in range(4)]
    truth = folder.truth(1)
    assert truth[30, 20] == labels.train_id('car')
    assert truth[30, 10] == labels.train_id('sky')
    assert truth[0, 0] == 255
    assert folder.truth_ids(1)[30, 20] == 26
    assert folder.image(1)[30, 20].tolist() == [142, 0, 0]


def test_an_empty_split_says_what_was_expected(street: Path, labels: LabelSet) -> None:
    with pytest.raises(DatasetError, match=r'expected leftImg8bit/test/<city>/<name>_leftImg8bit'):
        CityscapesFolder(street, 'test', labels)


def test_a_frame_without_labels_is_named(street: Path, labels: LabelSet) -> None:
    with pytest.raises(DatasetError, match=r'town_000000_000019_leftImg8bit.png has no labels'):
        CityscapesFolder(street, 'val', labels, annotation='gtCoarse')


@pytest.mark.parametrize(
    ('pixels', 'reason'),
    [
        (None, 'cannot decode'),
        (np.zeros((4, 4, 3), np.uint8), 'expected 8-bit grey labelIds, got uint8'),
        (np.zeros((4, 4), np.uint16), 'expected 8-bit grey labelIds, got uint16'),
    ],
)
def test_damaged_labels(
    tmp_path: Path, labels: LabelSet, pixels: np.ndarray | None, reason: str
) -> None:
    name = 'town/a_000000_000000'
    image = tmp_path / 'leftImg8bit' / 'val' / f'{name}_leftImg8bit.png'
    truth = tmp_path / 'gtFine' / 'val' / f'{name}_gtFine_labelIds.png'
    for path in (image, truth):
        path.parent.mkdir(parents=True)
    cv2.imwrite(str(image), np.zeros((4, 4, 3), np.uint8))
    if pixels is None:
        truth.write_bytes(b'not a picture')
    else:
        cv2.imwrite(str(truth), pixels)
    folder = CityscapesFolder(tmp_path, 'val', labels)
    with pytest.raises(DatasetError, match=reason):
        folder.truth(0)
