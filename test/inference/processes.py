"""Looking at other processes."""

from __future__ import annotations

import time
from pathlib import Path

_PATIENCE_S = 30.0


def wait_until_gone(pid: int) -> None:
    """Wait until a process has ended, whether or not anybody has taken note of it."""
    end = time.monotonic() + _PATIENCE_S
    while is_alive(pid):
        assert time.monotonic() < end, f'process {pid} goes on'
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        text = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return text.rpartition(')')[2].split()[0] not in ('Z', 'X')


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for task in Path(f'/proc/{pid}/task').glob('*/children'):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            continue
    return found
