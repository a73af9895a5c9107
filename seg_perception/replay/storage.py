"""What the file formats of recordings have in common: topics, records, and what was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

Data: TypeAlias = bytes | memoryview
Wanted: TypeAlias = Callable[['Topic'], bool]

FIRST, LAST = -(1 << 63), (1 << 63) - 1
"""Times before and after all others, ns."""


class BagError(ValueError):
    """A recording cannot be read at all; the text says why and how to mend it."""


@dataclass(frozen=True)
class Topic:
    """A topic of a recording.

    :ivar type: in the form of ROS 2, `sensor_msgs/msg/Image`, whatever recorded it.
    :ivar encoding: how its messages are serialised: `cdr` (ROS 2) or `ros1`.
    """

    name: str
    type: str
    encoding: str = 'cdr'


@dataclass(frozen=True, eq=False)
class Record:
    """A message as it was recorded.

    :ivar time: when it was recorded, ns.
    :ivar data: serialised as `topic.encoding` says; uncompressed.
    """

    topic: Topic
    time: int
    data: Data


@dataclass(frozen=True)
class Loss:
    """A damaged part of a recording.

    :ivar offset: where it begins in the file, bytes; None where that is not known.
    :ivar what: what is damaged and what became of it.
    """

    file: str
    offset: int | None
    what: str

    def __str__(self) -> str:
        place = '' if self.offset is None else f' at byte {self.offset}'
        return f'{self.file}{place}: {self.what}'


class Storage(Protocol):
    """One file of a recording, read from its beginning to its end whether it is damaged or not.

    :ivar losses: found by `records` so far.
    :ivar position: how far `records` is, bytes; up to `size`.
    """

    path: Path
    losses: list[Loss]
    position: int
    size: int

    def topics(self) -> list[Topic]:
        """Return the topics."""

    def records(self, wanted: Wanted, start: int = FIRST, stop: int = LAST) -> Iterator[Record]:
        """Yield the records of the wanted topics with start <= time < stop, as they lie in it."""


def ros2_type(name: str) -> str:
    """Return a message type's name in the form of ROS 2."""
    package, _, rest = name.partition('/')
    return name if rest.startswith('msg/') or not rest else f'{package}/msg/{rest}'
