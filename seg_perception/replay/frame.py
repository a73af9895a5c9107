"""A camera frame of an input, whatever that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from seg_perception.core.encodings import RawImage
from seg_perception.replay.storage import FIRST, LAST, Loss

Reduction: TypeAlias = Callable[[tuple[int, int]], int]


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
    :ivar load: decodes the image, a JPEG at the reduction that `decode_compressed` is told; raises
        ImageError.
    """

    camera: Camera
    stamp: int
    time: int
    frame_id: str
    info: Any
    load: Callable[[Reduction | None], RawImage]


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
