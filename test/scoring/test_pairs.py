"""Which messages come together, and what is counted of the others."""

from __future__ import annotations

import numpy as np
import pytest

from seg_perception.scoring.pairs import PREDICTION, TRUTH, PairCounts, Side, StampPairs

SECOND = 1_000_000_000


@pytest.mark.parametrize('order', [(PREDICTION, TRUTH), (TRUTH, PREDICTION)])
def test_a_pair_is_complete_with_its_second_half(order: tuple[Side, Side]) -> None:
    pairs: StampPairs[str] = StampPairs(2)
    first, second = order
    assert pairs.add(first, 7, first) is None
    assert pairs.add(second, 8, 'other') is None
    assert pairs.add(second, 7, second) == (PREDICTION, TRUTH)
    assert pairs.counts == PairCounts(matched=1)
    assert pairs.waiting == 1


def test_what_waits_too_long_is_given_up_and_its_other_half_is_late() -> None:
    pairs: StampPairs[int] = StampPairs(2)
    for stamp in range(4):
        pairs.add(TRUTH, stamp, stamp)
    assert pairs.waiting == 2
    assert pairs.add(PREDICTION, 1, 1) is None
    assert pairs.add(PREDICTION, 2, 2) == (2, 2)
    assert pairs.counts == PairCounts(matched=1, truth_alone=2, late=1)
    pairs.add(PREDICTION, 9, 9)
    pairs.finish()
    assert pairs.counts == PairCounts(matched=1, truth_alone=3, prediction_alone=1, late=1)
    assert pairs.waiting == 0


def test_a_repeated_stamp_replaces_the_waiting_one() -> None:
    pairs: StampPairs[str] = StampPairs(2)
    pairs.add(PREDICTION, 1, 'old')
    pairs.add(PREDICTION, 1, 'new')
    assert pairs.add(TRUTH, 1, 'truth') == ('new', 'truth')
    assert pairs.counts == PairCounts(matched=1, repeated=1)


def test_a_loop_matches_stamps_that_were_given_up_before() -> None:
    pairs: StampPairs[int] = StampPairs(1)
    for loop in range(3):
        for number in range(5):
            stamp = number * SECOND
            # The first loop lost all predictions but the last; in the others they come first.
            if loop:
                assert pairs.add(PREDICTION, stamp, loop) is None
                assert pairs.add(TRUTH, stamp, loop) == (loop, loop)
            else:
                pairs.add(TRUTH, stamp, loop)
                if number == 4:
                    assert pairs.add(PREDICTION, stamp, loop) == (loop, loop)
    assert pairs.counts == PairCounts(matched=11, truth_alone=4)


def test_every_message_is_counted_once_and_memory_is_bounded() -> None:
    rng = np.random.default_rng(3)
    capacity = 4
    pairs: StampPairs[int] = StampPairs(capacity)
    sent = 0
    for stamp in range(2000):
        for side in rng.permutation([PREDICTION, TRUTH]):
            delay = int(rng.integers(0, 12)) if rng.random() < 0.3 else 0
            for _ in range(int(rng.integers(0, 3))):
                pairs.add(side, max(0, stamp - delay), stamp)
                sent += 1
    counts = pairs.counts
    assert sent == (
        2 * counts.matched
        + counts.prediction_alone
        + counts.truth_alone
        + counts.late
        + counts.repeated
        + pairs.waiting
    )
    assert min(vars(counts).values()) > 0
    assert all(len(side.items) <= capacity for side in pairs._sides.values())
    assert all(len(side.given_up) <= 8 * capacity for side in pairs._sides.values())
