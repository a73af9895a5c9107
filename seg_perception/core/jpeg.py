"""The markers of a JPEG (ITU-T T.81, annex B), read without decoding it.

Coded data cannot be checked without decoding it. But a byte FF cannot be in it unless a zero
follows, so that many tears and joins leave a marker that has no place there; and where there are
restart markers, one that is lost or out of order is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from seg_perception.core.encodings import ImageError, check_size

Bytes = npt.NDArray[np.uint8]

START = b'\xff\xd8'

_END = 0xD9
_SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
# Start-of-frame markers; of C0 to CF, three mean something else.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
# All that are followed by a length: frames, tables, scans, data of applications and comments.
_SEGMENTS = _FRAMES | {0xC4, 0xCC, 0xFE, *range(0xDA, 0xF0)}


def read_jpeg(content: Bytes) -> tuple[int, int]:
    """Check a JPEG's markers and return its (width, height).

    :param content: uint8 [length], from its start marker to its end.
    :raises ImageError: when it is cut short, damaged as far as markers tell, or too large.
    """
    reader = _Reader(content)
    at = len(START)
    while (marker := reader.marker(at)) != _END:
        at = reader.segment(marker, at)
    return reader.finish(at)


@dataclass(frozen=True)
class _Frame:
    """The start of a frame: size, and by component its samples across and down a coded unit."""

    marker: int
    size: tuple[int, int]
    samples: dict[int, tuple[int, int]]

    def units(self, components: list[int]) -> int:
        """Return in how many units a scan of components is coded (T.81, A.2)."""
        total = 1
        for side, length in enumerate(self.size):
            most = max(samples[side] for samples in self.samples.values())
            if len(components) > 1:
                total *= _ceil(length, 8 * most)
            else:  # not interleaved: without what fills up a unit
                total *= _ceil(_ceil(length * self.samples[components[0]][side], most), 8)
        return total


class _Reader:
    """Walks from segment to segment."""

    def __init__(self, content: Bytes) -> None:
        self._content = content
        marks = np.flatnonzero(content[:-1] == 0xFF)
        kinds = content[marks + 1]
        real = (kinds != 0) & (kinds != 0xFF)
        self._places, self._kinds = marks[real], kinds[real]
        self._frame: _Frame | None = None
        self._restart_interval = 0
        self._scanned: set[int] = set()

    def marker(self, at: int) -> int:
        """Return the marker at a place."""
        pair = bytes(self._content[at : at + 2])
        if len(pair) < 2:
            cut_short('JPEG', self._content, 'size' if self._frame is None else 'end')
        if pair[0] != 0xFF:
            self._refuse(at, 'a marker')
        return pair[1]

    def segment(self, marker: int, at: int) -> int:
        """Read the segment at a place and return where the next one is."""
        if marker == 0xFF:  # padding before a marker
            return at + 1
        if marker not in _SEGMENTS:
            self._refuse(at, f'no marker ff {marker:02x}')
        length = int.from_bytes(bytes(self._content[at + 2 : at + 4]), 'big')
        after = at + 2 + length
        body = bytes(self._content[at + 4 : after])
        if marker == _SCAN:
            return self._scan(body, after)
        if marker == _RESTART_INTERVAL:
            self._restart_interval = int.from_bytes(body, 'big')
        elif marker in _FRAMES:
            self._frame = self._start_of_frame(marker, body, at)
        return after

    def finish(self, at: int) -> tuple[int, int]:
        """Return the picture's size at its end marker."""
        if self._frame is None or self._scanned != self._frame.samples.keys():
            self._refuse(at, 'all components before its end')
        return self._frame.size

    def _start_of_frame(self, marker: int, body: bytes, at: int) -> _Frame:
        components = [body[first : first + 3] for first in range(6, len(body) - 2, 3)]
        samples = {number: (both >> 4, both & 15) for number, both, _ in components}
        if self._frame or not samples or min(map(min, samples.values())) == 0:
            self._refuse(at, 'one frame of components')
        size = int.from_bytes(body[3:5], 'big'), int.from_bytes(body[1:3], 'big')
        check_size(*size)  # a few bytes may claim gigabytes of pixels
        return _Frame(marker, size, samples)

    def _scan(self, head: bytes, start: int) -> int:
        """Check the restart markers of a scan and return where it ends."""
        components = list(head[1 : 1 + 2 * head[0] : 2]) if head else []
        frame = self._frame
        if not frame or not components or not frame.samples.keys() >= set(components):
            self._refuse(start, 'a scan of a frame before it')
        first = int(np.searchsorted(self._places, start))
        kinds = self._kinds[first:]
        others = np.flatnonzero((kinds & 0xF8) != 0xD0)
        if not others.size:
            cut_short('JPEG', self._content, 'end')
        restarts = kinds[: others[0]]
        end = int(self._places[first + others[0]])
        expected = 0
        if self._restart_interval:
            expected = (frame.units(components) - 1) // self._restart_interval
        in_order = ((restarts - 0xD0) == np.arange(len(restarts)) % 8).all()
        # Some cameras set another one at the end.
        if not in_order or not expected <= len(restarts) <= expected + bool(expected):
            self._refuse(end, f'{expected} restart markers in turn before it, got {len(restarts)}')
        if frame.marker not in _PROGRESSIVE and self._scanned.intersection(components):
            self._refuse(end, 'each component once before it')
        self._scanned.update(components)
        return end

    def _refuse(self, at: int, expected: str) -> NoReturn:
        raise ImageError(
            f'compressed image: expected a whole JPEG with {expected} at byte {at} of '
            f'{len(self._content)}; the message was damaged on its way or by the camera'
        )


def _ceil(length: int, unit: int) -> int:
    return -(-length // unit)


def cut_short(kind: str, content: Bytes, lacks: str) -> NoReturn:
    """Refuse a picture without an end.

    :raises ImageError: always.
    """
    raise ImageError(
        f'compressed image: expected a whole {kind}, got {len(content)} bytes that lack its '
        f'{lacks}; the message was cut short on its way'
    )
