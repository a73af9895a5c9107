"""Error messages that do not flood the log: each kind at most once in a while."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_S = 5.0
"""Seconds for which a message of the same kind is held back."""

_MAX_KINDS = 16


@dataclass
class _Kind:
    said: float
    held_back: int = 0


class Complaints:
    """Writes to `write`, each kind of sentence at most every `QUIET_S` seconds.

    Sentences that differ in numbers only are of one kind. Of more than `_MAX_KINDS` kinds in that
    time, as damaged data makes them, the rest is held back. Every method may be called from any
    thread.
    """

    def __init__(
        self, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}
        self.last = ''
        """The latest sentence, said or held back; empty if there was none."""

    def say(self, sentence: str) -> None:
        """Write the sentence, unless one of its kind was written a moment ago."""
        kind = re.sub(r'\d+(\.\d+)?', '#', sentence)
        with self._lock:
            now = self._clock()
            self.last = sentence
            known = self._kinds.get(kind)
            if known is not None and now - known.said < QUIET_S:
                known.held_back += 1
                return
            if known is None and len(self._kinds) >= _MAX_KINDS:
                self._kinds = {
                    name: entry for name, entry in self._kinds.items() if now - entry.said < QUIET_S
                }
                if len(self._kinds) >= _MAX_KINDS:
                    return
            self._kinds[kind] = _Kind(said=now)
        more = f' ({known.held_back} more of this kind before)' if known and known.held_back else ''
        self._write(sentence + more)
