from __future__ import annotations

import mmap
import os
import time
from dataclasses import replace

import pytest

from seg_perception.benchmark.process_meter import cores, measure

MIB = 1 << 20


def test_memory_that_is_taken_shows() -> None:
    before = measure(os.getpid())
    with mmap.mmap(-1, 64 * MIB) as memory:
        for page in range(0, 64 * MIB, mmap.PAGESIZE):
            memory[page] = 1
        after = measure(os.getpid())
    for kind in ('rss_mib', 'pss_mib', 'own_mib'):
        assert getattr(after, kind) - getattr(before, kind) == pytest.approx(64, abs=4), kind


def test_processor_time_is_that_of_all_threads() -> None:
    begin = measure(os.getpid())
    while time.process_time() < begin.cpu_s + 0.2:
        sum(range(1000))
    end = measure(os.getpid())
    assert end.cpu_s - begin.cpu_s >= 0.15  # clock ticks of 10 ms
    assert end.moment > begin.moment
    first = replace(begin, moment=10.0, cpu_s=1.0)
    assert cores(first, replace(first, moment=14.0, cpu_s=7.0)) == 1.5


def test_a_process_that_is_gone_cannot_be_measured() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    with pytest.raises(FileNotFoundError, match=str(pid)):
        measure(pid)
