"""The clock of a recording that is played: rate, pause, jumps and loops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """What has a time of recording."""

    @property
    def time(self) -> int:
        """In ns."""


Item = TypeVar('Item', bound=Timed)

# Later than this, playing slows down instead of making up for lost time in a burst.
_SLACK_S = 0.02


class Playback(Generic[Item]):
    """Shows recorded items at their time, from a thread of its own.

    The clock never runs past an item that was not shown yet: where reading or showing takes longer
    than the rate allows, playing is slower and nothing is skipped.

    :param items: yields the items from a time (ns) on, in order.
    :param show: takes an item when it is due.
    :param first: the time at which the recording begins, ns.
    :param rate: seconds of the recording in one second.
    """

    def __init__(
        self,
        items: Callable[[int], Iterator[Item]],
        show: Callable[[Item], None],
        *,
        first: int,
        rate: float = 1.0,
        loop: bool = False,
        offset: float = 0.0,
        paused: bool = False,
    ) -> None:
        self._items = items
        self._show = show
        self._first = first
        self._rate = rate
        self.loop = loop
        self._changed = threading.Condition()
        self._paused = paused
        self._playing = True
        self._error: BaseException | None = None
        # The clock showed `_at` at `_since`; it waits for an item due at `_next`.
        self._at = self._next = first + round(offset * 1e9)
        self._since = time.monotonic()
        self._jump: int | None = self._at
        self._thread = threading.Thread(target=self._guard, name='playback', daemon=True)
        self.shown = 0

    def start(self) -> None:
        """Begin to play."""
        with self._changed:
            self._since = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for the end of what is being shown."""
        with self._changed:
            self._playing = False
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def playing(self) -> bool:
        """Whether items are still to come.

        :raises Exception: what `items` or `show` raised.
        """
        if self._error is not None:
            raise self._error
        return self._playing

    @property
    def now(self) -> int:
        """The time of the recording that is being played, ns."""
        with self._changed:
            return self._now()

    @property
    def paused(self) -> bool:
        """Whether the clock stands still."""
        return self._paused

    def set_paused(self, paused: bool) -> None:
        """Hold the clock, or let it go on."""
        with self._changed:
            self._anchor(self._now())
            self._paused = paused
            self._changed.notify_all()

    def set_rate(self, rate: float) -> None:
        """Go on at another rate."""
        with self._changed:
            self._anchor(self._now())
            self._rate = rate
            self._changed.notify_all()

    def jump(self, offset: float) -> None:
        """Go on at so many seconds after the beginning."""
        with self._changed:
            self._jump_to(self._first + round(offset * 1e9))

    def _jump_to(self, at: int) -> None:
        self._jump = self._next = at
        self._anchor(at)
        self._changed.notify_all()

    def _anchor(self, at: int) -> None:
        self._at, self._since = at, time.monotonic()

    def _now(self) -> int:
        if self._paused:
            return self._at
        now = self._at + round((time.monotonic() - self._since) * self._rate * 1e9)
        return max(self._at, min(now, self._next))

    def _guard(self) -> None:
        try:
            while self._playing:
                self._play()
        except Exception as error:  # noqa: BLE001 - handed to whoever asks `playing`
            self._error = error
        self._playing = False

    def _play(self) -> None:
        """Play from the place of the last jump to the end, or to another jump."""
        with self._changed:
            start, self._jump = self._at, None
        for item in self._items(start):
            with self._changed:
                if not self._wait_for(item.time):
                    return
            self._show(item)
            self.shown += 1
        with self._changed:
            if self._jump is None:
                if self.loop:
                    self._jump_to(self._first)
                else:
                    self._playing = False

    def _wait_for(self, due: int) -> bool:
        """Wait until the clock shows that time; False if playing ends or jumps before."""
        self._next = due
        while self._playing and self._jump is None:
            wait = self._at - due + (time.monotonic() - self._since) * self._rate * 1e9
            if not self._paused and wait >= 0:
                if wait > _SLACK_S * self._rate * 1e9:
                    self._anchor(due)
                return True
            self._changed.wait(None if self._paused else -wait / 1e9 / self._rate)
        return False
