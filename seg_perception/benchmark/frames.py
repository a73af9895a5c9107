"""Frames to measure on: rendered streets, whose truth is exact, or a labelled folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from seg_perception.core.labels import load_label_set
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.sim.scene import Scene

Image = npt.NDArray[np.uint8]

# Seeds that no model of this package was trained on.
_FIRST_SEED = 990_000
_FROM_BGR = {
    'bgr8': None,
    'rgb8': cv2.COLOR_BGR2RGB,
    'bgra8': cv2.COLOR_BGR2BGRA,
    'rgba8': cv2.COLOR_BGR2RGBA,
}
ENCODINGS = tuple(_FROM_BGR)
JPEG = 'jpeg'


@dataclass(frozen=True)
class Frames:
    """Frames of one size.

    :ivar bgr: uint8 [H, W, 3] each.
    :ivar truth: trainIds, uint8 [H, W] each, 255 where there is none.
    """

    name: str
    bgr: tuple[Image, ...]
    truth: tuple[Image, ...]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        height, width = self.truth[0].shape
        return width, height

    def encoded(self, encoding: str) -> tuple[Image, ...]:
        """Return them as a camera sends them: uint8 [H, W, C], or the bytes of a JPEG [length]."""
        if encoding == JPEG:
            return tuple(np.asarray(cv2.imencode('.jpg', bgr)[1], np.uint8) for bgr in self.bgr)
        code = _FROM_BGR[encoding]
        return tuple(
            bgr if code is None else np.asarray(cv2.cvtColor(bgr, code), np.uint8)
            for bgr in self.bgr
        )


def street(size: tuple[int, int], count: int) -> Frames:
    """Render frames of `size` (width, height), each of another street."""
    made = [
        Scene(_FIRST_SEED + number, *size).frame(1.0)
        for number in tqdm(range(count), desc='street', unit='frame', leave=False, disable=None)
    ]
    return Frames(
        f'{count} frames of the made-up street, {size[0]}x{size[1]}',
        tuple(frame.bgr for frame in made),
        tuple(frame.label for frame in made),
    )


def labelled(folder: Path, split: str, count: int) -> Frames:
    """Read frames, evenly spread, of a folder in Cityscapes' layout.

    :raises DatasetError: when it has none or one cannot be read.
    """
    found = CityscapesFolder(folder, split, load_label_set())
    chosen = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    pairs = [found.labelled_image(int(index)) for index in chosen]
    return Frames(
        f'{len(pairs)} frames of {folder.name} {split}',
        tuple(image for image, _ in pairs),
        tuple(truth for _, truth in pairs),
    )
