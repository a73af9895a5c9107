"""A thread of the frame path: it takes, works, hands on, and outlives every failure of its work."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from seg_perception.ros.thread_policy import ThreadPolicy, ThreadPolicyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seg_perception.ros.handover import Handover

In = TypeVar('In')
Out = TypeVar('Out')


class Stage(Generic[In, Out]):
    """Works from `start` until there is nothing more to take.

    :param take: waits for something to work on and returns it; None at the end.
    :param work: returns what is handed on; None where nothing came of it.
    :param fail: called with what was worked on and what `work` raised.
    :param give: what the next stage takes from; closed at the end.
    """

    def __init__(
        self,
        name: str,
        *,
        take: Callable[[], In | None],
        work: Callable[[In], Out | None],
        fail: Callable[[In, Exception], None],
        give: Handover[Out] | None,
        policy: ThreadPolicy,
    ) -> None:
        self._take = take
        self._work = work
        self._fail = fail
        self._give = give
        self._policy = policy
        self._begun: float | None = None
        self._thread = threading.Thread(target=self._run, name=name)

    @property
    def work_age(self) -> float:
        """Seconds that what is worked on has taken so far; 0 while there is nothing."""
        begun = self._begun
        return 0.0 if begun is None else time.perf_counter() - begun

    def start(self) -> None:
        """Start the thread.

        :raises RuntimeError: when there are no more threads to be had.
        """
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of a thread that was started."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with suppress(ThreadPolicyError):  # it was allowed when the node was configured
            self._policy.apply()
        while self._step():
            pass
        if self._give is not None:
            self._give.close()

    def _step(self) -> bool:
        # A function of its own: nothing of a frame is kept while the next is waited for.
        item = self._take()
        if item is None:
            return False
        self._begun = time.perf_counter()
        result = None
        try:
            result = self._work(item)
        except Exception as error:  # noqa: BLE001  (the thread must outlive any frame)
            self._fail(item, error)
        self._begun = None
        if result is not None and self._give is not None:
            self._give.put(result)
        return True
