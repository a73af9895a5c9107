"""Hands out frames on a steady clock, made ahead so that the making does not disturb it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Frame = TypeVar('Frame')

_AHEAD = 3
"""Frames that are made before they are due."""


class FramePlayer(Generic[Frame]):
    """Calls `show` with one frame per tick, from a thread of its own.

    A second thread makes the frames. A tick for which no frame is ready is skipped and counted:
    neither ticks nor frames pile up.

    :param make: returns the frame for a tick (0, 1, 2, …; ticks that were skipped are left out),
        None at the end.
    :param show: takes a frame and the number of the tick at which it is due.
    :param rate: ticks per second.
    """

    def __init__(
        self, make: Callable[[int], Frame | None], show: Callable[[Frame, int], None], rate: float
    ) -> None:
        self._make = make
        self._show = show
        self._period = 1.0 / rate
        self._changed = threading.Condition()
        self._ready: deque[Frame] = deque()
        self._tick = 0
        self._at_end = False
        self._stopped = False
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), name=name, daemon=True)
            for work, name in (
                (self._make_frames, 'make_frames'),
                (self._show_frames, 'show_frames'),
            )
        ]
        self.shown = 0
        self.skipped = 0

    def start(self) -> None:
        """Begin to play: tick 0 is when the first frames are ready."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, and wait for the threads; called by `show`, that frame is the last."""
        self._finish()
        for thread in self._threads:
            if thread.is_alive() and threading.current_thread() not in self._threads:
                thread.join()

    @property
    def playing(self) -> bool:
        """Whether frames are still to come.

        :raises Exception: what `make` or `show` raised.
        """
        if self._error is not None:
            raise self._error
        return not self._stopped

    def _finish(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to whoever asks `playing`
            self._error = error
            self._finish()

    def _make_frames(self) -> None:
        tick = 0
        while True:
            frame = self._make(tick)
            with self._changed:
                if frame is None:
                    self._at_end = True
                else:
                    self._ready.append(frame)
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: self._stopped or self._at_end or len(self._ready) < _AHEAD
                )
                if self._stopped or self._at_end:
                    return
                tick = max(tick + 1, self._tick + len(self._ready))

    def _show_frames(self) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._at_end or len(self._ready) == _AHEAD
            )
        start = time.monotonic()
        while not self._stopped:
            with self._changed:
                wait = start + self._tick * self._period - time.monotonic()
                if self._changed.wait_for(lambda: self._stopped, timeout=max(0.0, wait)):
                    break
                missed = int((time.monotonic() - start) / self._period) - self._tick
                self.skipped += max(0, missed)
                tick = self._tick + max(0, missed)
                self._tick = tick + 1
                frame = self._ready.popleft() if self._ready else None
                if frame is None and self._at_end:
                    break
                self._changed.notify_all()
            if frame is None:
                self.skipped += 1
            else:
                self.shown += 1
                self._show(frame, tick)
        self._finish()
