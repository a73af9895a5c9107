from __future__ import annotations

import pytest

from seg_perception.benchmark.search import find_peak


class Machine:
    """Holds every rate up to a limit, and notes those that were tried."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.tried: list[float] = []

    def __call__(self, rate: float) -> bool:
        self.tried.append(rate)
        return rate <= self.limit


@pytest.mark.parametrize('guess', [3.0, 9.9, 10.0, 10.1, 70.0])
def test_the_peak_is_found_from_below_and_from_above(guess: float) -> None:
    machine = Machine(10.0)
    peak = find_peak(machine, guess, resolution=0.02)
    assert 10.0 / 1.02 <= peak.hz <= 10.0
    assert [rate for rate, _ in peak.probes] == machine.tried
    assert all(held == (rate <= 10.0) for rate, held in peak.probes)
    assert len(machine.tried) <= 11


def test_no_rate_is_tried_that_is_known() -> None:
    machine = Machine(10.0)
    find_peak(machine, 30.0)
    lost = [rate for rate in machine.tried if rate > 10.0]
    held = [rate for rate in machine.tried if rate <= 10.0]
    assert lost == sorted(lost, reverse=True)
    assert held == sorted(held)


def test_the_probes_double_and_then_halve_the_bracket() -> None:
    peak = find_peak(Machine(10.0), 4.0, resolution=0.3)
    assert [rate for rate, _ in peak.probes] == pytest.approx(
        [4.0, 8.0, 16.0, 128**0.5, 8 * 2**0.25]
    )
    assert peak.hz == pytest.approx(8 * 2**0.25)


def test_where_nothing_is_held_the_peak_is_zero() -> None:
    peak = find_peak(Machine(0.0), 8.0, widest=4.0)
    assert peak.hz == 0
    assert [rate for rate, _ in peak.probes] == [8.0, 4.0, 2.0]


def test_where_everything_is_held_it_is_the_last_that_was_tried() -> None:
    assert find_peak(Machine(1e9), 8.0, widest=4.0).hz == 32.0


def test_a_guess_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match='a rate above 0 Hz to begin with, got 0'):
        find_peak(Machine(1.0), 0.0)
