from __future__ import annotations

import pytest

from seg_perception.ros.frame_counts import LATENCY_WINDOW, Drop, FrameCounts, Totals


def test_every_frame_is_accounted_for() -> None:
    counts = FrameCounts()
    for _ in range(6):
        counts.arrived()
    counts.finished(10.0)
    counts.dropped(Drop.BUSY)
    counts.dropped(Drop.STALE)
    counts.dropped(Drop.STALE)
    counts.dropped(Drop.BAD)
    assert counts.totals == Totals(6, 1, {Drop.BUSY: 1, Drop.STALE: 2, Drop.BAD: 1})
    assert counts.totals.under_way == 1


def test_totals_of_a_moment_do_not_change() -> None:
    counts = FrameCounts()
    before = counts.totals
    counts.arrived()
    counts.dropped(Drop.BAD)
    assert before == Totals()


def test_latency_is_that_of_the_last_frames() -> None:
    assert FrameCounts().latency is None
    counts = FrameCounts()
    counts.finished(1e6)
    for value in range(LATENCY_WINDOW):
        counts.finished(float(value))
    latency = counts.latency
    assert latency is not None
    assert latency.p50 == pytest.approx((LATENCY_WINDOW - 1) * 0.5)
    assert latency.p99 == pytest.approx((LATENCY_WINDOW - 1) * 0.99)
