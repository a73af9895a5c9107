"""Where a camera's frames come from: the made-up street, a folder of images, a video."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Intrinsics
from seg_perception.sim.scene import Scene

SCENE = 'scene'
IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')

_LOG = logging.getLogger(__name__)


class SourceError(ValueError):
    """A source cannot be opened, or gives no frames."""


@dataclass(frozen=True)
class SourceFrame:
    """A frame: `bgr` uint8 [H, W, 3], `label` trainIds uint8 [H, W] where known, and its name."""

    bgr: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8] | None
    name: str


class FrameSource(Protocol):
    """Frames by number. Numbers must not go down; those left out are frames not seen."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first frame; images of a folder may differ from it."""

    @property
    def intrinsics(self) -> Intrinsics | None:
        """The camera's intrinsics in pixels, where they are known."""

    @property
    def mount(self) -> tuple[float, float] | None:
        """Height above the ground in metres and pitch (down) in radians, where they are known."""

    @property
    def has_truth(self) -> bool:
        """Whether frames carry labels."""

    def frame(self, index: int) -> SourceFrame | None:
        """Return frame `index`, 0 first, or None after the last.

        :raises SourceError: when no frame can be had any more.
        """


class SceneSource:
    """The made-up street; it never ends."""

    has_truth = True

    def __init__(self, width: int, height: int, rate: float, seed: int) -> None:
        try:
            self._scene = Scene(seed, width, height)
        except ValueError as error:
            raise SourceError(str(error)) from error
        if rate <= 0:
            raise SourceError(f'a scene needs a rate above 0 frames per second, got {rate:g}')
        self._rate = rate
        self.size = (width, height)
        self.intrinsics = self._scene.intrinsics
        self.mount = (self._scene.camera.mount_height, self._scene.camera.pitch)

    def frame(self, index: int) -> SourceFrame:
        """Return the street as it is after `index` periods of the rate."""
        frame = self._scene.frame(index / self._rate)
        return SourceFrame(frame.bgr, frame.label, f'scene_{index:06d}')


class DirectorySource:
    """The images of a folder by name, each at its own size; what is no image is left out."""

    has_truth = False
    intrinsics = None
    mount = None

    def __init__(self, folder: Path, *, loop: bool = True) -> None:
        self._folder = folder
        self._loop = loop
        self._files = sorted(
            path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
        )
        if not self._files:
            raise SourceError(
                f'{folder} holds no images ({", ".join(IMAGE_SUFFIXES)}); '
                'its subfolders are not searched'
            )
        first = self.frame(0)
        if first is None:
            raise SourceError(f'{folder} holds no image that can be read')
        self.size = (first.bgr.shape[1], first.bgr.shape[0])

    def frame(self, index: int) -> SourceFrame | None:
        """Return an image; one that cannot be read is left out from then on, with one warning."""
        while self._files and (self._loop or index < len(self._files)):
            path = self._files[index % len(self._files)]
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None:
                return SourceFrame(np.asarray(image, np.uint8), None, path.stem)
            _LOG.warning('%s cannot be read as an image and is left out', path)
            self._files.remove(path)
        if not self._files:
            raise SourceError(f'{self._folder} holds no image that can be read')
        return None


class VideoSource:
    """The frames of a video file, one for one, whatever its own rate."""

    has_truth = False
    intrinsics = None
    mount = None

    def __init__(self, path: Path, *, loop: bool = True) -> None:
        self._path = path
        self._loop = loop
        self._capture = cv2.VideoCapture(str(path))
        self._next = 0
        image = self._read()
        if image is None:
            raise SourceError(
                f'{path} is no video that can be read here; give a video file, a folder of images '
                f'or {SCENE!r}'
            )
        self.size = (image.shape[1], image.shape[0])
        self._rewind()

    def frame(self, index: int) -> SourceFrame | None:
        """Return a frame; frames that were left out are skipped in the video too."""
        while self._next < index and self._capture.grab():
            self._next += 1
        image = self._read()
        if image is None and self._loop:
            self._rewind()
            image = self._read()
            if image is None:
                raise SourceError(f'{self._path} could be read once and cannot be read again')
        if image is None:
            return None
        self._next = index + 1
        return SourceFrame(image, None, f'{self._path.stem}_{index:06d}')

    def _read(self) -> npt.NDArray[np.uint8] | None:
        read, image = self._capture.read()
        return np.asarray(image, np.uint8) if read else None

    def _rewind(self) -> None:
        self._capture.release()
        self._capture = cv2.VideoCapture(str(self._path))


def open_source(
    spec: str,
    *,
    width: int = 1280,
    height: int = 720,
    rate: float = 10.0,
    seed: int = 0,
    loop: bool = True,
) -> FrameSource:
    """Open a source: `scene`, a folder of images, or a video file.

    Width, height, rate (frames per second) and seed are the scene's; loop is the others'.

    :raises SourceError: when there is no such file or folder, or nothing in it can be read.
    """
    if spec == SCENE:
        return SceneSource(width, height, rate, seed)
    path = Path(spec).expanduser()
    if path.is_dir():
        return DirectorySource(path, loop=loop)
    if path.is_file():
        return VideoSource(path, loop=loop)
    raise SourceError(
        f'no file or folder {spec}; give {SCENE!r}, a folder of images or a video file'
    )
