from __future__ import annotations

from dataclasses import astuple

import pytest

from seg_perception.benchmark.statistics import Latency, Spread, ratios, shuffled


def test_percentiles_lie_between_two_neighbours() -> None:
    times = [float(value) for value in range(101)]
    assert Latency.of(times[::-1]) == Latency(50.0, 90.0, 99.0)
    assert astuple(Latency.of([1.0, 2.0])) == pytest.approx((1.5, 1.9, 1.99))
    assert Latency.of([7.0]) == Latency(7.0, 7.0, 7.0)


def test_a_spread_is_median_least_and_largest() -> None:
    assert Spread.of([4.0, 1.0, 9.0]) == Spread(4.0, 1.0, 9.0)
    assert Spread.of([1.0, 2.0]) == Spread(1.5, 1.0, 2.0)


@pytest.mark.parametrize('figures', [Spread, Latency])
def test_of_nothing_there_are_no_figures(figures: type[Spread | Latency]) -> None:
    with pytest.raises(ValueError, match='or more, got none'):
        figures.of([])


def test_every_run_has_all_and_orders_differ() -> None:
    orders = list(shuffled(4, 20))
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert {order[0] for order in orders} == {0, 1, 2, 3}
    assert orders == list(shuffled(4, 20))
    assert orders != list(shuffled(4, 20, seed=1))


def test_ratios_are_to_the_baseline() -> None:
    values = {'plain': 4.0, 'fast': 10.0, 'unknown': None}
    assert ratios(values, 'plain') == {'plain': 1.0, 'fast': 2.5, 'unknown': None}
    assert set(ratios(values, 'unknown').values()) == {None}
    assert set(ratios(values, 'absent').values()) == {None}
