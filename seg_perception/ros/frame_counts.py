"""What became of the frames: every one that came in is counted out, or dropped with a reason."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

LATENCY_WINDOW = 256
"""Latencies are those of the last so many frames."""


class Drop(Enum):
    """Why a frame was dropped."""

    BUSY = 'busy'
    STALE = 'stale'
    BAD = 'bad'


@dataclass(frozen=True)
class Totals:
    """Frames since the node was configured.

    `frames_in` = `frames_out` + the drops + those under way.
    """

    frames_in: int = 0
    frames_out: int = 0
    dropped: dict[Drop, int] = field(default_factory=lambda: dict.fromkeys(Drop, 0))

    def __add__(self, other: Totals) -> Totals:
        """Return both together."""
        return Totals(
            self.frames_in + other.frames_in,
            self.frames_out + other.frames_out,
            {drop: count + other.dropped[drop] for drop, count in self.dropped.items()},
        )

    def __str__(self) -> str:
        drops = ', '.join(f'{count} {drop.value}' for drop, count in self.dropped.items())
        return f'frames in: {self.frames_in}, out: {self.frames_out}, dropped: {drops}'

    @property
    def under_way(self) -> int:
        """Frames that are neither out nor dropped yet."""
        return self.frames_in - self.frames_out - sum(self.dropped.values())

    def since(self, before: Totals) -> Totals:
        """Return what was counted since; everything where the counts were started anew."""
        new = Totals(
            self.frames_in - before.frames_in,
            self.frames_out - before.frames_out,
            {drop: count - before.dropped[drop] for drop, count in self.dropped.items()},
        )
        return self if min(new.frames_in, new.frames_out, *new.dropped.values()) < 0 else new


@dataclass(frozen=True)
class Latency:
    """From a frame's arrival to the end of its publishing, in ms."""

    p50: float
    p99: float


class FrameCounts:
    """Counts frames; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals = Totals()
        self._latencies: deque[float] = deque(maxlen=LATENCY_WINDOW)

    def arrived(self) -> None:
        """Count a frame in."""
        with self._lock:
            self._totals = replace(self._totals, frames_in=self._totals.frames_in + 1)

    def dropped(self, reason: Drop) -> None:
        """Count a frame as dropped."""
        with self._lock:
            drops = self._totals.dropped
            self._totals = replace(self._totals, dropped={**drops, reason: drops[reason] + 1})

    def finished(self, latency_ms: float) -> None:
        """Count a frame out."""
        with self._lock:
            self._totals = replace(self._totals, frames_out=self._totals.frames_out + 1)
            self._latencies.append(latency_ms)

    @property
    def totals(self) -> Totals:
        """The totals at this moment."""
        with self._lock:
            return self._totals

    @property
    def latency(self) -> Latency | None:
        """The latency of the last frames; None before the first."""
        with self._lock:
            latencies = tuple(self._latencies)
        if not latencies:
            return None
        p50, p99 = np.percentile(latencies, (50, 99))
        return Latency(p50=float(p50), p99=float(p99))
