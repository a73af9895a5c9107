"""A small folder in Cityscapes layout whose labels follow from its colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import LabelSet, load_label_set


@pytest.fixture(scope='session')
def labels() -> LabelSet:
    return load_label_set()


@pytest.fixture(scope='session')
def street(tmp_path_factory: pytest.TempPathFactory, labels: LabelSet) -> Path:
    """Four frames a split, 96x64: sky over road with a car, in the colours of the labels."""
    root = tmp_path_factory.mktemp('street')
    truth = np.full((64, 96), labels.train_id('sky'), np.uint8)
    truth[32:] = labels.train_id('road')
    for split in ('train', 'val'):
        for index in range(4):
            frame = truth.copy()
            frame[24:40, 16 * index : 16 * index + 32] = labels.train_id('car')
            frame[:2] = 255
            write_frame(root, split, f'town_{index:06d}_000019', frame, labels=labels)
    return root


def write_frame(
    root: Path,
    split: str,
    name: str,
    truth: npt.NDArray[np.uint8],
    *,
    labels: LabelSet,
    annotation: str = 'gtFine',
) -> None:
    """Write trainIds [H, W] and a picture in the labels' colours."""
    image = root / 'leftImg8bit' / split / 'town' / f'{name}_leftImg8bit.png'
    ids = root / annotation / split / 'town' / f'{name}_{annotation}_labelIds.png'
    for path, pixels in (
        (image, labels.color_table()[truth]),
        (ids, labels.train_id_to_id()[truth]),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), pixels)
