"""An even choice out of a stream whose length is not known."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar('T')


class EvenSample(Generic[T]):
    """Keeps items of a stream at even distances, between `limit` and half of it.

    When full, every second item is let go and from then on only every second one is taken.

    :param limit: the most items to keep, an even number of at least 2.
    """

    def __init__(self, limit: int) -> None:
        if limit < 2 or limit % 2:
            raise ValueError(f'expected an even limit of at least 2, got {limit}')
        self._limit = limit
        self._stride = 1
        self._offered = 0
        self._items: list[T] = []

    def offer(self, item: T) -> None:
        """Take the stream's next item, or pass it by."""
        if self._offered % self._stride == 0:
            if len(self._items) == self._limit:
                self._items = self._items[::2]
                self._stride *= 2
            self._items.append(item)
        self._offered += 1

    def items(self, count: int | None = None) -> list[T]:
        """Return what is kept, in order; at most `count` of it, evenly spread."""
        kept = len(self._items)
        if count is None or kept <= count:
            return list(self._items)
        return [self._items[round((i + 0.5) * kept / count - 0.5)] for i in range(count)]
