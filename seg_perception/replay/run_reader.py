"""Reads what a run wrote: its outputs frame by frame, single ones, and the images they are of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.encodings import ImageError
from seg_perception.core.labels import Label, LabelError, LabelSet, load_label_set
from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.frame import Frames
from seg_perception.replay.frames import open_frames
from seg_perception.replay.messages import IMAGE, deserialize
from seg_perception.replay.run_folder import Run
from seg_perception.replay.storage import FIRST, LAST, BagError

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, order=True)
class Key:
    """A frame of a run: its stamp (ns) and its camera."""

    stamp: int
    camera: str


@dataclass(frozen=True, eq=False)
class Outputs:
    """The outputs of a frame.

    :ivar time: when the frame was recorded, ns.
    :ivar images: by output, uint8 [H, W] or BGR [H, W, 3].
    :ivar info: sensor_msgs/CameraInfo of the masks, where there is one.
    """

    key: Key
    time: int
    images: dict[str, Image]
    info: Any


class RunReader:
    """Reads the outputs of a run.

    :param names: of the outputs.
    :raises RunError: when the run lacks one.
    """

    def __init__(self, run: Run, names: Collection[str]) -> None:
        self.run = run
        self._reader = BagReader(run.path)
        self._names: dict[str, tuple[str, str]] = {}
        for camera, topics in run.about['topics'].items():
            for name, topic in topics.items():
                if name in names or name == 'camera_info':
                    self._names[topic] = (camera, name)

    def frames(self, start: int = FIRST, stop: int = LAST) -> Iterator[Outputs]:
        """Yield the outputs of the frames with start <= time < stop, ns, in their order."""
        current: Outputs | None = None
        for record in self._reader.records(self._names, start, stop):
            camera, name = self._names[record.topic.name]
            message = deserialize(record)
            stamp = message.header.stamp
            key = Key(stamp.sec * 10**9 + stamp.nanosec, camera)
            if current is None or current.key != key or name in current.images:
                if current is not None:
                    yield current
                current = Outputs(key, record.time, {}, None)
            if record.topic.type == IMAGE:
                current.images[name] = _picture(message)
            else:
                current = Outputs(key, record.time, current.images, message)
        if current is not None:
            yield current

    def at(self, key: Key, time: int) -> Outputs | None:
        """Return the outputs of one frame, None where there are none."""
        return next((found for found in self.frames(time, time + 1) if found.key == key), None)


class InputImages:
    """Reads single camera images of a run's input; it may be gone."""

    def __init__(self, run: Run) -> None:
        settings = run.about['settings']
        selection = settings['selection']
        topics = [c['topic'] for c in settings['cameras']] if selection['topics'] else []
        self._frames: Frames | None = None
        self.missing = ''
        """Why there are none; empty where there are."""
        try:
            self._frames = open_frames(settings['input'], topics, rate=selection['rate'])
        except (BagError, OSError) as error:
            self.missing = str(error)

    def at(self, key: Key, time: int) -> Image | None:
        """Return the image of a frame, BGR, uint8 [H, W, 3], None where it cannot be had."""
        if self._frames is None:
            return None
        for frame in self._frames.read(time, time + 1):
            if (frame.stamp, frame.camera.name) == (key.stamp, key.camera):
                try:
                    return frame.load(None).bgr()
                except (ImageError, cv2.error):
                    return None
        return None


def labels_of(run: Run) -> LabelSet:
    """Return the label set of a run; without groups where it is not known here."""
    kept = run.about['labels']
    labels = tuple(Label(name, number, tuple(color)) for name, number, color in kept['classes'])
    try:
        named = load_label_set(run.about['settings']['parameters']['label_set'])
    except LabelError:
        named = None
    if named and [label.name for label in named.labels] == [label.name for label in labels]:
        return named
    return LabelSet(kept['name'], labels, {})


def _picture(message: Any) -> Image:
    shape = (message.height, message.width, message.step // max(message.width, 1))
    picture: Image = np.asarray(message.data).reshape(shape)
    return picture[..., 0] if shape[2] == 1 else picture
