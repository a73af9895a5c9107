"""Reading folders in Cityscapes layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from seg_perception.core.labels import Label, LabelSet
from seg_perception.models.dataset import CityscapesFolder, DatasetError
from test.models.conftest import write_frame


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


def test_a_frame_comes_with_its_labels(street: Path, labels: LabelSet) -> None:
    folder = CityscapesFolder(street, 'val', labels)
    image, truth = folder.labelled_image(3)
    np.testing.assert_array_equal(image, folder.image(3))
    np.testing.assert_array_equal(truth, folder.truth(3))


def test_labels_of_another_size_than_the_frame_are_refused(
    tmp_path: Path, labels: LabelSet
) -> None:
    write_frame(tmp_path, 'val', 'a', np.zeros((4, 6), np.uint8), labels=labels)
    folder = CityscapesFolder(tmp_path, 'val', labels)
    cv2.imwrite(str(folder.frames[0].truth), np.full((6, 4), 7, np.uint8))
    with pytest.raises(
        DatasetError, match=r'a_gtFine_labelIds.png: expected labels of 6x4 as a_left.*, got 4x6'
    ):
        folder.labelled_image(0)


def test_an_image_that_is_none_is_named(tmp_path: Path, labels: LabelSet) -> None:
    write_frame(tmp_path, 'val', 'a', np.zeros((4, 6), np.uint8), labels=labels)
    folder = CityscapesFolder(tmp_path, 'val', labels)
    folder.frames[0].image.write_bytes(b'not a picture')
    with pytest.raises(DatasetError, match=r'cannot decode .*a_leftImg8bit.png'):
        folder.labelled_image(0)


def test_ids_that_cityscapes_does_not_have_are_refused(tmp_path: Path, labels: LabelSet) -> None:
    write_frame(tmp_path, 'val', 'a', np.zeros((4, 6), np.uint8), labels=labels)
    folder = CityscapesFolder(tmp_path, 'val', labels)
    path = folder.frames[0].truth
    cv2.imwrite(str(path), np.array([[0, 33, 255, 7]], np.uint8))
    assert folder.truth(0).tolist() == [[255, 18, 255, 0]]
    cv2.imwrite(str(path), np.array([[0, 34, 200, 7]], np.uint8))
    with pytest.raises(
        DatasetError, match=r'a_gtFine_labelIds.png: expected labelIds .* got 34 on 2 pixels'
    ):
        folder.truth(0)
    other = LabelSet('other', (Label('thing', 200, (1, 2, 3)),), {})
    assert CityscapesFolder(tmp_path, 'val', other).truth(0).tolist() == [[255, 255, 0, 255]]
