"""How fast to drive: by numbers that are known beforehand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.planner.speed import Corridor, SpeedLimits, StopPlanner, look_ahead

BEARING = np.radians(np.arange(-30.0, 31.0))
NEAR = np.full(61, 4.0)
NONE = np.zeros(61)


def ahead(reach: npt.NDArray[np.float64], near: npt.NDArray[np.float64] = NEAR) -> Corridor:
    return look_ahead((1.0, 0.0), BEARING, near, reach, NONE, half_width=1.0)


def test_what_ends_in_the_corridor_ends_it() -> None:
    reach = np.full(61, 50.0)
    assert ahead(reach).free == pytest.approx(51.0, abs=0.02)
    reach[32] = 10.0  # 2 degrees to the left: 0.35 m aside
    assert ahead(reach).free == pytest.approx(1 + 10 * np.cos(np.radians(2)))
    reach[32] = 50.0
    reach[40] = 10.0  # 10 degrees: 1.7 m aside
    assert ahead(reach).free == pytest.approx(51.0, abs=0.02)


def test_what_is_less_sure_is_less_far() -> None:
    reach, error = np.full(61, 20.0), np.full(61, 3.0)
    found = look_ahead((0.0, 0.0), BEARING, NEAR, reach, error, half_width=1.0)
    assert found.free == pytest.approx(17.0, rel=0.01)


def test_a_bearing_that_begins_blocked_ends_it_at_once() -> None:
    reach = np.full(61, 50.0)
    reach[30] = 0.0
    assert ahead(reach).free == 0
    reach[30] = 50.0
    reach[60] = 0.0  # 30 degrees: at the first ground in view it is 2 m aside
    assert ahead(reach).free == pytest.approx(51.0, abs=0.02)
    assert ahead(reach).blind == pytest.approx(5.0)


@pytest.mark.parametrize(('bearing', 'free'), [(30, 0.0), (60, 51.0)])
def test_a_bearing_without_ground_in_view_ends_the_corridor_where_it_is_in_it(
    bearing: int, free: float
) -> None:
    reach, near = np.full(61, 50.0), NEAR.copy()
    reach[bearing], near[bearing] = 0.0, np.nan
    assert ahead(reach, near).free == pytest.approx(free, abs=0.02)


def test_a_camera_that_sees_no_ground_lets_nothing_move() -> None:
    corridor = ahead(NONE, np.full(61, np.nan))
    planner = StopPlanner()
    planner.see(0.0, corridor, usable=True)
    assert (corridor.free, planner.speed(0.0)) == (0, 0)


def test_it_can_stop_where_the_free_space_ends() -> None:
    limits = SpeedLimits(cruise=30.0, braking=2.0, reaction=0.5, front=1.5, gap=1.5)
    planner = StopPlanner(limits)
    for free in (5.0, 20.0, 60.0):
        planner.see(0.0, Corridor(free, blind=2.0), usable=True)
        speed = planner.speed(0.1)
        needed = speed * 0.5 + speed**2 / (2 * 2.0)
        assert needed == pytest.approx(free - 3.5)


@pytest.mark.parametrize(('blind', 'free'), [(0.0, 3.1), (4.0, 5.5)])
def test_it_stands_in_front_of_what_is_near(blind: float, free: float) -> None:
    planner = StopPlanner()
    planner.see(0.0, Corridor(free, blind), usable=True)
    assert planner.speed(0.0) == 0


def test_it_stops_when_it_is_told_nothing() -> None:
    planner = StopPlanner(SpeedLimits(watchdog=0.5))
    assert planner.speed(0.0) == 0
    planner.see(10.0, Corridor(np.inf, 4.0), usable=True)
    assert planner.speed(10.5) == 8
    assert planner.speed(10.6) == 0
    assert planner.speed(9.4) == 0  # a stamp from the future is none
    planner.see(11.0, Corridor(np.inf, 4.0), usable=False)
    assert planner.speed(11.0) == 0
