"""Steps of a stream that overlap: each runs in a thread of its own, in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar('T')
R = TypeVar('R')

_WAIT_S = 0.1


@dataclass(frozen=True)
class _Item(Generic[T]):
    """An item of a stream, which may be an exception or None, too."""

    value: T


def ahead(items: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """Yield items that a thread takes from the iterable in advance.

    What the iterable raises is raised here, after the items before it. When this generator is
    closed, the thread ends with the item in hand.

    :param depth: how many items may wait.
    """
    ready: queue.Queue[_Item[T] | BaseException | None] = queue.Queue(depth)
    closed = threading.Event()

    def put(entry: _Item[T] | BaseException | None) -> bool:
        while not closed.is_set():
            try:
                ready.put(entry, timeout=_WAIT_S)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(_Item(item)):
                    break
            else:
                put(None)
        except BaseException as error:  # noqa: BLE001  (raised where the items are taken)
            put(error)
        finally:
            _close(items)

    thread = threading.Thread(target=work, name='ahead', daemon=True)
    thread.start()
    try:
        while True:
            entry = ready.get()
            if entry is None:
                return
            if isinstance(entry, BaseException):
                raise entry
            yield entry.value
    finally:
        closed.set()
        thread.join()


def each(function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """Yield `function` of each item; unlike `map`, it closes the items when it is closed."""
    try:
        for item in items:
            yield function(item)
    finally:
        _close(items)


def parallel(
    function: Callable[[T], R], items: Iterable[T], workers: int
) -> Generator[R, None, None]:
    """Yield `function` of each item, in order; as many at a time as there are workers."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            _close(items)


def _close(items: object) -> None:
    # Threads must not be left to the end of the process, which may be while they work.
    if isinstance(items, Generator):
        items.close()
