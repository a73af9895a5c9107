"""What a running process takes, as Linux counts it in /proc (proc(5))."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20


@dataclass(frozen=True)
class Usage:
    """A process at one moment.

    :ivar moment: on the monotonic clock, s.
    :ivar cpu_s: processor time since its start, of all threads, in user and system mode.
    :ivar rss_mib: resident memory, with what is shared with others.
    :ivar pss_mib: likewise, but of what is shared only the share of this process.
    :ivar own_mib: memory of this process alone.
    """

    moment: float
    cpu_s: float
    rss_mib: float
    pss_mib: float
    own_mib: float


def measure(pid: int) -> Usage:
    """Return what a process takes now.

    :raises OSError: when there is no such process, or it belongs to somebody else.
    """
    # The name, between parentheses, may hold anything.
    numbers = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    ticks = int(numbers[11]) + int(numbers[12])
    memory: dict[str, float] = {}
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()[1:]:
        name, _, value = line.partition(':')
        memory[name] = int(value.split()[0]) * 1024 / _MIB
    return Usage(
        moment=time.monotonic(),
        cpu_s=ticks / os.sysconf('SC_CLK_TCK'),
        rss_mib=memory['Rss'],
        pss_mib=memory['Pss'],
        own_mib=memory['Private_Clean'] + memory['Private_Dirty'],
    )


def cores(first: Usage, last: Usage) -> float:
    """Return the processor time between two moments as a share of one core's."""
    return (last.cpu_s - first.cpu_s) / (last.moment - first.moment)
