from __future__ import annotations

import pytest

from seg_perception.benchmark.soak import Memory


def test_memory_that_is_flat_after_the_warm_up_does_not_grow() -> None:
    values = [50.0, 80.0] + [100.0, 101.0, 100.0, 99.0] * 2
    memory = Memory.of(values)
    assert (memory.least, memory.median, memory.largest) == (99.0, 100.0, 101.0)
    assert memory.deviation == pytest.approx(0.01)
    assert memory.growth == pytest.approx(99 / 100 - 1)


def test_a_leak_shows() -> None:
    memory = Memory.of([100.0 + n for n in range(100)])
    # From 20 to 99: the first sixteen have the median 127.5, the last 191.5.
    assert memory.growth == pytest.approx(191.5 / 127.5 - 1)
    assert memory.deviation > 0.2


def test_a_few_moments_say_nothing() -> None:
    with pytest.raises(ValueError, match='10 moments or more, got 9'):
        Memory.of([1.0] * 9)
