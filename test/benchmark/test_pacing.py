from __future__ import annotations

import pytest

from seg_perception.benchmark.pacing import offer


class Clock:
    """Time that passes only when someone works or sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def offered(rate: float, seconds: float, takes: list[float]) -> tuple[list[float], int, int, float]:
    """Return latencies (ms), offered, dropped and how long it took, for work that takes so long."""
    clock = Clock()
    durations = iter(takes)
    paced = offer(
        lambda: clock.pass_by(next(durations)), rate, seconds, clock=clock, sleep=clock.pass_by
    )
    return list(paced.latency_ms), paced.offered, paced.dropped, clock.now - 100.0


def test_a_path_that_is_fast_enough_waits_for_each_frame() -> None:
    latencies, count, dropped, took = offered(8.0, 0.5, [0.0625] * 4)
    assert latencies == pytest.approx([62.5] * 4)
    assert (count, dropped) == (4, 0)
    assert took == pytest.approx(3 / 8 + 0.0625)


def test_a_frame_waits_in_the_slot_and_its_wait_counts() -> None:
    # The first frame takes a period and a half: the second waits for half of one.
    latencies, _, dropped, _ = offered(8.0, 0.375, [0.1875, 0.0625, 0.0625])
    assert latencies == pytest.approx([187.5, 125.0, 62.5])
    assert dropped == 0


def test_the_newest_replaces_the_one_that_waits() -> None:
    # While the first takes 2.5 periods two frames come: the first of them is dropped.
    latencies, count, dropped, _ = offered(8.0, 0.5, [0.3125, 0.0625, 0.0625])
    assert latencies == pytest.approx([312.5, 125.0, 62.5])
    assert (count, dropped) == (4, 1)


def test_a_path_of_half_the_rate_drops_every_other_frame() -> None:
    _, count, dropped, _ = offered(8.0, 10.0, [0.25] * 80)
    assert count == 80
    assert dropped == pytest.approx(40, abs=1)


def test_no_frame_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match=r'0.5 Hz for 1 s: expected a frame or more, got none'):
        offered(0.5, 1.0, [])
