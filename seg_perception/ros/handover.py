"""What one thread hands to the next: a single slot, and when it is worth while to fill it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Item = TypeVar('Item')

_RECENT = 8
_SHARE_SOONER = 4  # one of so many recent times was shorter than what is expected


class Handover(Generic[Item]):
    """One slot between a giver and a taker, who is at work from one `take` to the next.

    :param kind: of an item; the taker is expected to need as long for one as for the recent ones of
        its kind.
    """

    def __init__(
        self,
        kind: Callable[[Item], Hashable] = lambda _: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._kind = kind
        self._clock = clock
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._times: defaultdict[Hashable, deque[float]] = defaultdict(
            lambda: deque(maxlen=_RECENT)
        )
        self._at_work: tuple[Hashable, float] | None = None
        self._free_at = 0.0
        self.last: tuple[Any, float] | None = None
        """The kind of what the taker has worked on last, and for how many seconds."""

    def await_need(self, lead_s: float) -> None:
        """Wait until the slot is empty and the taker is idle, or likely to be in `lead_s`."""
        with self._changed:
            while not self._closed:
                ahead = 0.0
                if self._at_work is not None:
                    ahead = self._free_at - lead_s - self._clock()
                if self._item is None and ahead <= 0:
                    return
                self._changed.wait(ahead if self._item is None else None)

    def put(self, item: Item) -> None:
        """Wait until the slot is empty, and fill it."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is None)
            self._item = item
            self._changed.notify_all()

    def take(self) -> Item | None:
        """Wait for an item and return it; None once the handover is closed and empty."""
        with self._changed:
            if self._at_work is not None:
                kind, since = self._at_work
                self.last = kind, self._clock() - since
                self._times[kind].append(self.last[1])
                self._at_work = None
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            if item is not None:
                kind, now = self._kind(item), self._clock()
                recent = sorted(self._times[kind]) or [0.0]
                self._at_work = kind, now
                self._free_at = now + recent[len(recent) // _SHARE_SOONER]
                self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let the taker end when it has taken what is still in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
