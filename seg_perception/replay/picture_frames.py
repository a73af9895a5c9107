"""Camera frames of folders of images and of videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.encodings import ImageError, RawImage, from_bgr
from seg_perception.replay.frame import Camera, Frame, Reduction
from seg_perception.replay.storage import FIRST, LAST, BagError, Loss
from seg_perception.sim.sources import IMAGE_SUFFIXES, SourceError, VideoSource

# A stamp of 0 means none to many consumers.
_FIRST_STAMP = 10**9


class FolderFrames:
    """The images of a folder by name, at a rate."""

    losses: Sequence[Loss] = ()

    def __init__(self, path: Path, rate: float) -> None:
        if not rate > 0:
            raise BagError(f'--rate: expected more than 0 images per second, got {rate:g}')
        self.path = path
        self.cameras = [Camera('camera', str(path))]
        self.progress = 0.0
        self._rate = rate
        self._files = sorted(f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES)
        if not self._files:
            raise BagError(
                f'{path}: expected a recording or images ({", ".join(IMAGE_SUFFIXES)}), got '
                'neither; subfolders are not searched'
            )

    def read(self, start: int = FIRST, stop: int = LAST) -> Iterator[Frame]:
        """Yield the frames with start <= time < stop, ns."""
        (camera,) = self.cameras
        for number, file in enumerate(self._files):
            self.progress = number / len(self._files)
            time = _FIRST_STAMP + round(number * 1e9 / self._rate)
            if start <= time < stop:
                yield Frame(camera, time, time, 'camera', None, _Picture(file))
        self.progress = 1.0


class VideoFrames:
    """The frames of a video at its own rate."""

    losses: Sequence[Loss] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cameras = [Camera('camera', str(path))]
        self.progress = 0.0
        try:
            VideoSource(path, loop=False)
        except SourceError as error:
            raise BagError(
                f'{path}: expected a recording, a folder of images or a video, got none of these'
            ) from error
        capture = cv2.VideoCapture(str(path))
        self._count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
        capture.release()

    def read(self, start: int = FIRST, stop: int = LAST) -> Iterator[Frame]:
        """Yield the frames with start <= time < stop, ns."""
        (camera,) = self.cameras
        source = VideoSource(self.path, loop=False)
        number = 0
        while (taken := source.frame(number)) is not None:
            time = _FIRST_STAMP + round(number * 1e9 / self._rate)
            if time >= stop:
                break
            if time >= start:
                yield Frame(camera, time, time, 'camera', None, partial(_taken, taken.bgr))
            number += 1
            self.progress = min(1.0, number / max(self._count, 1))
        self.progress = 1.0


@dataclass(frozen=True)
class _Picture:
    """Reads an image file when it is called."""

    path: Path

    def __call__(self, _: Reduction | None) -> RawImage:
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise ImageError(f'{self.path.name} cannot be read as an image')
        return from_bgr(np.asarray(image, np.uint8))


def _taken(bgr: npt.NDArray[np.uint8], _: Reduction | None) -> RawImage:
    return from_bgr(bgr)
