"""One slot a sender: what is put in replaces what nobody has taken yet."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """Hands the newest item of each sender from the threads that receive to the one that works.

    :param senders: how many there are; each is a number from 0.
    """

    def __init__(self, senders: int = 1) -> None:
        self._changed = threading.Condition()
        self._items: list[Item | None] = [None] * senders
        self._turn = [0] * senders  # when each was served last
        self._turns = 0
        self._closed = False

    def put(self, item: Item, sender: int = 0) -> bool:
        """Put an item in and return True if it replaced one that nobody had taken.

        :raises RuntimeError: when the mailbox is closed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError('the mailbox is closed')
            replaced = self._items[sender] is not None
            self._items[sender] = item
            self._changed.notify()
            return replaced

    def take(self, most: int) -> list[Item]:
        """Wait for an item, and return one of each sender that has one.

        Of more than `most` senders those are served that have waited longest for it. Empty once the
        mailbox is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready() or self._closed)
            taken = []
            for sender in sorted(self._ready(), key=self._turn.__getitem__)[:most]:
                item, self._items[sender] = self._items[sender], None
                self._turns += 1
                self._turn[sender] = self._turns
                if item is not None:
                    taken.append(item)
            return taken

    def close(self) -> None:
        """Accept nothing more. Items that are still in can be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _ready(self) -> list[int]:
        return [sender for sender, item in enumerate(self._items) if item is not None]
