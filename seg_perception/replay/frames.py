"""Camera frames of recordings, folders of images and videos, in order."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from seg_perception.core.compressed import decode_compressed
from seg_perception.core.encodings import ImageError, RawImage, from_bgr, view_image
from seg_perception.core.products import PRODUCTS
from seg_perception.replay.bag_reader import BagReader, is_bag
from seg_perception.replay.messages import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    MessageError,
    deserialize,
)
from seg_perception.replay.storage import FIRST, LAST, BagError, Loss, Record
from seg_perception.sim.sources import IMAGE_SUFFIXES, SourceError, VideoSource

COMPRESSED = '/compressed'
# A stamp of 0 means none to many consumers.
_FIRST_STAMP = 10**9
# Last parts of topics with images of no camera: depth, other codecs, outputs of this package.
_NO_CAMERA = frozenset({'compressedDepth', 'depth', 'theora', *PRODUCTS})


@dataclass(frozen=True)
class Camera:
    """A camera of an input: its name, the topic of its images and that of its calibration."""

    name: str
    topic: str
    info_topic: str = ''


@dataclass(frozen=True, eq=False)
class Frame:
    """An image that was taken.

    :ivar stamp: ns, of the camera; `time`: when it was recorded.
    :ivar info: the latest sensor_msgs/CameraInfo before it, where there is one.
    :ivar load: decodes the image; raises ImageError.
    """

    camera: Camera
    stamp: int
    time: int
    frame_id: str
    info: Any
    load: Callable[[], RawImage]


class Frames(Protocol):
    """The frames of an input."""

    @property
    def path(self) -> Path:
        """The input."""

    @property
    def cameras(self) -> Sequence[Camera]:
        """Those that were chosen."""

    @property
    def losses(self) -> Sequence[Loss]:
        """What could not be read of the input so far."""

    @property
    def progress(self) -> float:
        """How far `read` is, 0 to 1."""

    def read(self, start: int = FIRST, stop: int = LAST) -> Iterator[Frame]:
        """Yield the frames with start <= time < stop, ns; a second call begins anew."""


def open_frames(path: str | Path, topics: Sequence[str] = (), *, rate: float = 10.0) -> Frames:
    """Open a recording, a folder of images or a video file.

    :param topics: of the images in a recording, patterns of fnmatch allowed; needed where it has
        several cameras.
    :param rate: images per second of a folder; a video has its own.
    :raises BagError: when it is none of these, or the topics fit no camera in it.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise BagError(f'no file or folder {path}; give a recording, a folder of images or a video')
    if is_bag(path):
        return BagFrames(path, topics)
    if topics:
        raise BagError(f'--topic: expected a recording, got {path}, which has no topics')
    if path.is_dir():
        return FolderFrames(path, rate)
    return VideoFrames(path)


class BagFrames:
    """The images of a recording, raw or compressed.

    The calibration of `<camera>/image…` is on `<camera>/camera_info`.
    """

    def __init__(self, path: Path, topics: Sequence[str] = ()) -> None:
        self.path = path
        self._reader = BagReader(path)
        found = {topic.name: topic.type for topic in self._reader.topics}
        images = [name for name, kind in found.items() if kind in (IMAGE, COMPRESSED_IMAGE)]
        chosen = _choose(images, topics, path)
        names: dict[str, None] = {}
        self.cameras = []
        for topic in chosen:
            info = f'{_base(topic).rpartition("/")[0]}/camera_info'
            name = _new_name(camera_name(topic), names)
            known = info if found.get(info) == CAMERA_INFO else ''
            self.cameras.append(Camera(name, topic, known))

    @property
    def losses(self) -> Sequence[Loss]:
        """What the reader lost so far."""
        return self._reader.losses

    @property
    def progress(self) -> float:
        """How far `read` is, 0 to 1."""
        return self._reader.progress

    def read(self, start: int = FIRST, stop: int = LAST) -> Iterator[Frame]:
        """Yield the frames with start <= time < stop, ns."""
        cameras = {camera.topic: camera for camera in self.cameras}
        info_of = {camera.info_topic: camera.name for camera in self.cameras if camera.info_topic}
        infos: dict[str, Any] = {}
        for record in self._reader.records({*cameras, *info_of}, start, stop):
            if camera := info_of.get(record.topic.name):
                try:
                    infos[camera] = deserialize(record)
                except MessageError as error:
                    self._reader.losses.append(Loss(self.path.name, None, str(error)))
            else:
                chosen = cameras[record.topic.name]
                yield _frame(record, chosen, infos.get(chosen.name))


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
                yield Frame(camera, time, time, 'camera', None, partial(from_bgr, taken.bgr))
            number += 1
            self.progress = min(1.0, number / max(self._count, 1))
        self.progress = 1.0


@dataclass(frozen=True)
class _Picture:
    """Reads an image file when it is called."""

    path: Path

    def __call__(self) -> RawImage:
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise ImageError(f'{self.path.name} cannot be read as an image')
        return from_bgr(np.asarray(image, np.uint8))


def camera_name(topic: str) -> str:
    """Return a camera's name by the topic of its images: `front` for `/front/image_raw`."""
    parts = [part for part in _base(topic).split('/') if part]
    name = re.sub(r'\W', '_', '_'.join(parts[:-1] or parts), flags=re.ASCII)
    return name if name[:1].isalpha() else f'camera_{name}'


def _base(topic: str) -> str:
    return topic.removesuffix(COMPRESSED)


def _new_name(name: str, taken: dict[str, None]) -> str:
    candidates = [name, *(f'{name}_{number}' for number in range(2, len(taken) + 3))]
    new = next(candidate for candidate in candidates if candidate not in taken)
    taken[new] = None
    return new


def _choose(images: Sequence[str], patterns: Sequence[str], path: Path) -> list[str]:
    listed = ', '.join(images) or 'none'
    if not patterns:
        likely = [
            name
            for name in images
            if _base(name).rpartition('/')[2] not in _NO_CAMERA
            and (_base(name) == name or _base(name) not in images)
        ]
        if len(likely) != 1:
            raise BagError(
                f'{path}: expected one topic with camera images, got {listed}; choose with --topic '
                "('/front/*' takes all that fit)"
            )
        return likely
    chosen: dict[str, None] = {}
    for pattern in patterns:
        fitting = fnmatch.filter(images, pattern)
        if not fitting:
            raise BagError(f'--topic {pattern}: expected a topic of images of {path}: {listed}')
        chosen.update(dict.fromkeys(fitting))
    return list(chosen)


def _frame(record: Record, camera: Camera, info: Any) -> Frame:
    try:
        message = deserialize(record)
    except MessageError as error:
        load = partial(_refuse, str(error))
        return Frame(camera, record.time, record.time, '', info, load)
    stamp = message.header.stamp
    load = partial(_raw if record.topic.type == IMAGE else _compressed, message)
    return Frame(
        camera,
        stamp.sec * 10**9 + stamp.nanosec,
        record.time,
        message.header.frame_id,
        info,
        load,
    )


def _refuse(reason: str) -> RawImage:
    raise ImageError(reason)


def _raw(message: Any) -> RawImage:
    return view_image(
        encoding=message.encoding,
        width=message.width,
        height=message.height,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
        data=message.data,
    )


def _compressed(message: Any) -> RawImage:
    return decode_compressed(message.data)
