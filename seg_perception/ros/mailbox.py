"""A mailbox with one slot: what is put in replaces what nobody has taken yet."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """Hands the newest item from the thread that receives to the one that works."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False

    def put(self, item: Item) -> bool:
        """Put an item in and return True if it replaced one that nobody had taken.

        :raises RuntimeError: when the mailbox is closed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError('the mailbox is closed')
            replaced = self._item is not None
            self._item = item
            self._changed.notify()
            return replaced

    def take(self) -> Item | None:
        """Wait for an item and return it; None once the mailbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Accept nothing more. An item that is still in can be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
