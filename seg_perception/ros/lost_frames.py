"""How many images of a camera were lost on their way, from the gaps between their stamps."""

from __future__ import annotations

import statistics
from collections import deque

_WINDOW = 48
_LEAST = 24
"""Gaps before anything is said."""
_PAUSE_PERIODS = 20
_OFF_BEAT = 0.2
_MOST_OFF_BEAT = 0.25
_NEW_RATE = 8
"""So many equal gaps in a row are a camera that has become slower."""
_SHARE_WINDOW = 128


class LostFrames:
    """Estimates the images that a camera sent and that never came; for one thread at a time.

    Images come one period apart. How long that is the shortest of the last gaps tell: their median,
    as jitter makes them differ. A gap of k periods is k - 1 lost images, unless the stamps are
    irregular, the gap is a pause of more than twenty periods, all gaps have become that long, or
    short gaps behind it show that stamps were late.
    """

    def __init__(self) -> None:
        self.lost = 0
        """Images lost so far."""
        self._last: float | None = None
        self._gaps: deque[float] = deque(maxlen=_WINDOW)
        self._held: list[int] = []  # equal gaps in a row, in periods, not decided yet
        self._recent: deque[int] = deque(maxlen=_SHARE_WINDOW)  # lost before each that came

    @property
    def share(self) -> float:
        """Share of the last images that were lost, 0 to 1; 0 while too few have come."""
        lost = sum(self._recent)
        return lost / (lost + len(self._recent)) if len(self._recent) >= _LEAST else 0.0

    def begin(self) -> None:
        """Begin anew to follow the stamps: what came while nobody looked was not lost."""
        self._last = None
        self._gaps.clear()
        self._held.clear()
        self._recent.clear()

    def came(self, stamp: float) -> None:
        """Take the stamp, in seconds, of an image that came."""
        last, self._last = self._last, stamp
        if last is None or stamp == last:
            return
        gap = stamp - last
        period = self._period()
        if gap < 0 or (period is not None and gap > _PAUSE_PERIODS * period):
            self._settle()
            return
        self._gaps.append(gap)
        if period is None:
            return
        if gap < period / 2 and self._held and self._held[-1] > 1:
            self._held[-1] -= 1
            self._recent.append(0)
            return
        beats = max(1, round(gap / period))
        if self._held and self._held[-1] != beats:
            self._settle()
        self._held.append(beats)
        if beats == 1:
            self._settle()
        elif len(self._held) == _NEW_RATE:
            self._held.clear()
            self._gaps = deque([gap] * _LEAST, maxlen=_WINDOW)

    def _settle(self) -> None:
        for beats in self._held:
            self.lost += beats - 1
            self._recent.append(beats - 1)
        self._held.clear()

    def _period(self) -> float | None:
        """Return the time between two images in s; None while there is none to be seen."""
        if len(self._gaps) < _LEAST:
            return None
        gaps = sorted(self._gaps)
        shortest = gaps[len(gaps) // 10]
        period = statistics.median(gap for gap in gaps if gap < 1.5 * shortest)
        off_beat = sum(abs(gap / period - max(1, round(gap / period))) > _OFF_BEAT for gap in gaps)
        return None if off_beat > _MOST_OFF_BEAT * len(gaps) else period
