"""Labelled frames in the folder layout of Cityscapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import LabelSet

Image = npt.NDArray[np.uint8]

_SUFFIXES = ('.png', '.jpg', '.jpeg')


class DatasetError(ValueError):
    """A dataset folder is not in the expected layout, or a file of it cannot be read."""


@dataclass(frozen=True)
class LabelledFrame:
    """The files of one frame."""

    name: str
    image: Path
    truth: Path


class CityscapesFolder:
    """One split of `leftImg8bit/<split>/<city>/` with `<annotation>/<split>/<city>/` beside it.

    :param annotation: the folder of the labels, whose files end in `_<annotation>_labelIds.png`.
    :raises DatasetError: when there are no frames or a frame has no labels.
    """

    def __init__(
        self, root: str | Path, split: str, labels: LabelSet, annotation: str = 'gtFine'
    ) -> None:
        self.root = Path(root)
        self.split = split
        self.annotation = annotation
        self._train_ids = labels.id_to_train_id()
        folder = self.root / 'leftImg8bit' / split
        images = sorted(p for p in folder.glob('*/*_leftImg8bit.*') if p.suffix in _SUFFIXES)
        if not images:
            raise DatasetError(
                f'no frames in {self.root}: expected '
                f'leftImg8bit/{split}/<city>/<name>_leftImg8bit.png or .jpg'
            )
        self.frames = [self._frame(image) for image in images]

    def __len__(self) -> int:
        return len(self.frames)

    def image(self, index: int) -> Image:
        """Read a camera frame, uint8 [H, W, 3], blue-green-red.

        :raises DatasetError: when the file cannot be decoded.
        """
        return _read(self.frames[index].image, cv2.IMREAD_COLOR)

    def truth_ids(self, index: int) -> Image:
        """Read the labels as the dataset's own ids, uint8 [H, W].

        :raises DatasetError: when the file cannot be decoded or is not 8-bit grey.
        """
        path = self.frames[index].truth
        ids = _read(path, cv2.IMREAD_UNCHANGED)
        if ids.ndim != 2 or ids.dtype != np.uint8:
            raise DatasetError(f'{path}: expected 8-bit grey labelIds, got {ids.dtype} {ids.shape}')
        return ids

    def truth(self, index: int) -> Image:
        """Read the labels as trainIds, uint8 [H, W], 255 where unlabelled."""
        return np.asarray(cv2.LUT(self.truth_ids(index), self._train_ids), np.uint8)

    def _frame(self, image: Path) -> LabelledFrame:
        name = image.name.partition('_leftImg8bit')[0]
        truth = (
            self.root
            / self.annotation
            / self.split
            / image.parent.name
            / f'{name}_{self.annotation}_labelIds.png'
        )
        if not truth.is_file():
            raise DatasetError(f'{image.name} has no labels: expected {truth}')
        return LabelledFrame(name=name, image=image, truth=truth)


def _read(path: Path, flags: int) -> Image:
    pixels = cv2.imread(str(path), flags)
    if pixels is None:
        raise DatasetError(f'cannot decode {path}')
    return np.asarray(pixels)
