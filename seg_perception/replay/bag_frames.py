"""Camera frames of recordings."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from seg_perception.core.compressed import decode_compressed
from seg_perception.core.encodings import ImageError, RawImage, view_image
from seg_perception.core.products import PRODUCTS
from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.frame import Camera, Frame, Reduction
from seg_perception.replay.messages import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    MessageError,
    deserialize,
)
from seg_perception.replay.storage import FIRST, LAST, BagError, Loss, Record

COMPRESSED = '/compressed'
# Last parts of topics with images of no camera: depth, other codecs, outputs of this package.
_NO_CAMERA = frozenset({'compressedDepth', 'depth', 'theora', *PRODUCTS})


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


def _refuse(reason: str, _: Reduction | None) -> RawImage:
    raise ImageError(reason)


def _raw(message: Any, _: Reduction | None) -> RawImage:
    return view_image(
        encoding=message.encoding,
        width=message.width,
        height=message.height,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
        data=message.data,
    )


def _compressed(message: Any, reduction: Reduction | None) -> RawImage:
    return decode_compressed(message.data, reduction)
