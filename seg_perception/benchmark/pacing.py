"""Frames that come at a fixed rate into a slot for one: what a camera does to a frame path."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Paced:
    """What became of the frames of one rate.

    :ivar latency_ms: from the moment a frame was due to its result, for each that was processed.
    :ivar offered: frames that came.
    :ivar dropped: those that a newer one replaced before their turn.
    """

    rate: float
    latency_ms: tuple[float, ...]
    offered: int
    dropped: int

    @property
    def drop_share(self) -> float:
        """Dropped frames, as a share of those offered."""
        return self.dropped / self.offered


def offer(
    work: Callable[[], object],
    rate: float,
    seconds: float,
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Paced:
    """Offer a frame every 1/`rate` seconds and process the newest, one at a time.

    A frame that is due while another is processed waits in one slot, where the next replaces it.

    :param work: processes one frame.
    :raises ValueError: when no frame would be due in `seconds`.
    """
    offered = int(rate * seconds)
    if offered < 1:
        raise ValueError(f'{rate:g} Hz for {seconds:g} s: expected a frame or more, got none')
    start = clock()
    latencies: list[float] = []
    dropped = number = 0
    while number < offered:
        due = start + number / rate
        if (early := due - clock()) > 0:
            sleep(early)
        newest = min(offered - 1, max(number, int((clock() - start) * rate)))
        dropped += newest - number
        work()
        latencies.append((clock() - start - newest / rate) * 1e3)
        number = newest + 1
    return Paced(rate, tuple(latencies), offered, dropped)
