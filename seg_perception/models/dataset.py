"""Labelled frames in the folder layout of Cityscapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED, LabelSet

Image = npt.NDArray[np.uint8]

CLASS_IDS = frozenset({7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33})
"""The labelIds of Cityscapes' 19 classes; the others up to 33 are void."""
_LAST_ID = 33
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
        # What else the files of another data set hold is not known.
        self._cityscapes_ids = CLASS_IDS.issuperset(label.id for label in labels.labels)
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
        """Read the labels as trainIds, uint8 [H, W], 255 where unlabelled.

        :raises DatasetError: as `truth_ids`, and where Cityscapes' labelIds are expected and others
            are found.
        """
        ids = self.truth_ids(index)
        if self._cityscapes_ids:
            unknown = ids[(ids > _LAST_ID) & (ids != UNLABELLED)]
            if unknown.size:
                raise DatasetError(
                    f'{self.frames[index].truth}: expected labelIds of Cityscapes, 0 to {_LAST_ID} '
                    f'or {UNLABELLED}, got {unknown[0]} on {unknown.size} pixels; do its files '
                    'hold the ids of the label set in use?'
                )
        return np.asarray(cv2.LUT(ids, self._train_ids), np.uint8)

    def labelled_image(self, index: int) -> tuple[Image, Image]:
        """Read a frame with its labels, as `image` and `truth` do.

        :raises DatasetError: as these, and when the two differ in size.
        """
        image, truth = self.image(index), self.truth(index)
        if image.shape[:2] != truth.shape:
            raise DatasetError(
                f'{self.frames[index].truth}: expected labels of {_size(image)} as '
                f'{self.frames[index].image.name}, got {_size(truth)}'
            )
        return image, truth

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


def _size(image: Image) -> str:
    return f'{image.shape[1]}x{image.shape[0]}'
