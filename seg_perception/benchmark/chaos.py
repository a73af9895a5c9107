"""Cameras that die and come back, in a random order."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol


class Cameras(Protocol):
    """Cameras that can be started and ended."""

    @property
    def cameras(self) -> list[str]:
        """Their names."""

    def start_camera(self, name: str) -> None:
        """Start one."""

    def stop_camera(self, name: str) -> None:
        """Have one end in peace."""

    def kill_camera(self, name: str) -> None:
        """End one as a crash does."""


class Chaos:
    """Ends a camera and starts it again after a while; call it often.

    One camera at a time, so that the others are there to be watched: killed in three of four cases,
    ended in peace in the fourth, away for 0 to `pause` seconds.

    :param seed: of the order.
    :param pause: seconds, at most, between the end and the start of a camera, and then to the next.
    """

    def __init__(
        self,
        cameras: Cameras,
        *,
        seed: int,
        pause: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cameras = cameras
        self._random = random.Random(seed)
        self._pause = pause
        self._clock = clock
        self._due = clock() + self._wait()
        self._away: str | None = None
        self.ended = 0
        """How often a camera was ended."""

    def __call__(self) -> None:
        """Do what is due."""
        if self._clock() < self._due:
            return
        if self._away is None:
            self._away = self._random.choice(self._cameras.cameras)
            end = self._random.choice([self._cameras.kill_camera] * 3 + [self._cameras.stop_camera])
            end(self._away)
            self.ended += 1
        else:
            self._cameras.start_camera(self._away)
            self._away = None
        self._due = self._clock() + self._wait()

    def _wait(self) -> float:
        return self._random.uniform(0.0, self._pause)
