"""Whether a runtime labels as the one in service does, on frames that came lately."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from seg_perception.inference.base import Image, Runner, RunnerError

FRAMES = 4
_APART_S = 0.5


class Sample(NamedTuple):
    """Images, uint8 [N, H, W, 3], and their labels, uint8 [N, H, W], by the runtime in service."""

    images: Image
    label: Image


class Samples:
    """The last few frames, some time apart so that they differ."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: deque[Sample] = deque(maxlen=FRAMES)
        self._next = -np.inf
        self._changed = threading.Condition()
        self._closed = False

    def offer(self, images: Image, label: Image) -> None:
        """Keep a copy if the last one was kept long enough ago."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _APART_S
        with self._changed:
            self._kept.append(Sample(images.copy(), label.copy()))
            self._changed.notify_all()

    def wait(self) -> list[Sample]:
        """Return `FRAMES` of them once there are so many; fewer when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._kept) == FRAMES)
            return list(self._kept)

    def close(self) -> None:
        """End all waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def check_agreement(runner: Runner, samples: Sequence[Sample], least: float) -> float:
    """Return the share of pixels that a runner labels as the samples are, 0 to 1.

    :raises RunnerError: when it is less than `least`, or the runner fails or makes numbers that are
        not finite.
    """
    same = [np.mean(runner.infer(sample.images).label == sample.label) for sample in samples]
    agreement = float(np.mean(same))
    if agreement < least:
        raise RunnerError(
            f'expected the labels of the CPU on at least {100 * least:g} % of the pixels of '
            f'{len(same)} frames, got {100 * agreement:.2f} %; build the engine anew (`python3 -m '
            'seg_perception model engines --evict`), use a model of more precision, or lower '
            'min_agreement'
        )
    return agreement
