"""Shared memory that Fast DDS leaves behind where a process was killed.

A participant holds a lock on `<segment>_el` as long as it lives; the same is what `fastdds shm
clean` looks at. With the profile for large images a segment is 64 MiB.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Collection
from pathlib import Path

_SHARED_MEMORY = Path('/dev/shm')  # noqa: S108  (where Linux has it: shm_overview(7))
_SEGMENT = re.compile(r'fast(dds|rtps)_[0-9a-f]{16}')


def segments(folder: Path = _SHARED_MEMORY) -> frozenset[Path]:
    """Return the segments of all participants, living and dead."""
    return frozenset(path for path in folder.glob('fast*') if _SEGMENT.fullmatch(path.name))


def remove_abandoned(before: Collection[Path], folder: Path = _SHARED_MEMORY) -> int:
    """Remove the segments of dead participants that were not there before; return how many."""
    removed = 0
    for segment in segments(folder) - frozenset(before):
        lock = segment.with_name(f'{segment.name}_el')
        try:
            with lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                segment.unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
        except OSError:  # its owner lives, or it is gone by now
            continue
        removed += 1
    return removed
