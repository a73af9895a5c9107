"""Jobs for the tests of contests; each runs in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import numpy.typing as npt

from seg_perception.benchmark.contest import Job


class Counting:
    """Tells how often it was called, as the milliseconds of its only stage."""

    def __init__(self) -> None:
        self._calls = 0

    def run(self) -> Mapping[str, float]:
        self._calls += 1
        return {'calls': float(self._calls)}

    def labels(self) -> npt.NDArray[np.uint8]:
        return np.full((2, 3, 4), self._calls, np.uint8)


@contextmanager
def counting() -> Iterator[Counting]:
    yield Counting()


def refusing(reason: str) -> AbstractContextManager[Job]:
    raise ValueError(reason)


def fail(_: Job) -> None:
    raise ValueError('of this question')


def die(_: Job) -> None:
    os._exit(7)
