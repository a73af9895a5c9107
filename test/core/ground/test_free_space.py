from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.ground.bearings import Fan, Trust
from seg_perception.core.ground.free_space import End, FreeSpace, FreeSpaceFinder
from seg_perception.core.ground.mount import GroundCamera
from test.core.ground.cameras import (
    CAR,
    LABELS,
    LENSES,
    ROAD,
    SIDEWALK,
    SIZE,
    K,
    camera,
    paint,
    sure,
)

Floats = npt.NDArray[np.float64]
TRUST = Trust(pitch_error=0.001)


def find(
    seen_from: GroundCamera,
    label: npt.NDArray[np.uint8],
    confidence: npt.NDArray[np.uint8] | None = None,
    ego: npt.NDArray[np.bool_] | None = None,
) -> FreeSpace:
    finder = FreeSpaceFinder(
        Fan(seen_from, SIZE, TRUST, ego=ego), LABELS, min_drivable=128, min_label=64
    )
    return finder.find(label, sure(label) if confidence is None else confidence)


@pytest.mark.parametrize('name', LENSES)
@pytest.mark.parametrize('roll', [0.0, 0.2, -1.4, 3.1])
def test_a_wall_is_where_it_stands(name: str, roll: float) -> None:
    """Whatever the lens and however it leans: to half a pixel, seen at 12 m."""
    seen_from = camera(name, x=1.0, y=0.5, roll=roll, yaw=0.1)
    free = find(seen_from, paint(seen_from, lambda x, _: np.where(x < 12, ROAD, CAR)))
    met = (free.end == End.OBSTACLE) & (free.range > 0)
    assert met.sum() > 100
    assert (free.label[met] == CAR).all()
    one_pixel = (1.5**2 + 11.0**2) / 1.5 * seen_from.lens.pixel_angle
    np.testing.assert_allclose(free.points[met, 0], 12, atol=1.5 * one_pixel)
    assert abs(np.median(free.points[met, 0]) - 12) < one_pixel


def test_kerb_unlabelled_and_unsure_end_the_free_space() -> None:
    seen_from = camera()
    label = paint(seen_from, lambda x, _: np.where(x < 12, ROAD, SIDEWALK))
    kerb = find(seen_from, label)
    assert set(kerb.end[150:170]) == {End.GROUND}
    assert set(kerb.label[150:170]) == {SIDEWALK}
    unsure = sure(label)
    unsure[label == SIDEWALK] = 63
    blurred = find(seen_from, label, unsure)
    assert set(blurred.end[150:170]) == {End.UNKNOWN}
    assert set(blurred.label[150:170]) == {255}
    np.testing.assert_array_equal(blurred.range, kerb.range)
    np.testing.assert_allclose(blurred.trust[150:170], 63 / 255)
    road = paint(seen_from, lambda x, _: np.where(x < 12, ROAD, ROAD))
    weak = sure(road)
    weak[label == SIDEWALK] = 127
    np.testing.assert_array_equal(find(seen_from, road, weak).range, kerb.range)
    void = np.where(label == SIDEWALK, 255, label).astype(np.uint8)
    nothing = find(seen_from, void)
    np.testing.assert_array_equal(nothing.range, kerb.range)
    assert set(nothing.end[150:170]) == {End.UNKNOWN}


def test_an_obstacle_is_one_at_any_confidence() -> None:
    seen_from = camera()
    label = paint(seen_from, lambda x, _: np.where(x < 12, ROAD, CAR))
    unsure = sure(label)
    unsure[label == CAR] = 1
    assert set(find(seen_from, label, unsure).end[150:170]) == {End.OBSTACLE}


def test_an_empty_road_is_open_to_the_farthest_range_that_is_believed() -> None:
    seen_from = camera()
    free = find(seen_from, paint(seen_from, lambda x, _: np.where(x < 1e9, ROAD, ROAD)))
    assert (free.end[100:220] == End.OPEN).all()
    farthest = TRUST.farthest(1.5, seen_from.lens.pixel_angle)
    np.testing.assert_allclose(free.range[100:220], farthest, rtol=1e-6)
    error = (1.5**2 + farthest**2) / 1.5 * np.hypot(0.001, 0.5 / K[4])
    np.testing.assert_allclose(free.range_error[100:220], error, rtol=1e-6)
    assert np.isinf(free.scan()[100:220]).all()


def test_nothing_is_believed_where_its_error_is_too_large() -> None:
    trust = Trust(pitch_error=0.01, pixel_error=0.0, max_error=0.2)
    farthest = trust.farthest(1.5, 0.004)
    assert farthest == pytest.approx(29.9, abs=0.1)
    assert trust.range_error(farthest, 1.5, 0.004) == pytest.approx(0.2 * farthest)
    assert Trust(pitch_error=0.0, pixel_error=0.0).farthest(1.5, 0.004) == Trust.max_range
    with pytest.raises(ValueError, match='max_error: expected a finite number of 0 or more'):
        Trust(max_error=-1.0)


def test_what_is_nearer_than_the_first_ground_in_view_leaves_nothing_free() -> None:
    seen_from = camera()
    free = find(seen_from, paint(seen_from, lambda x, _: np.where(x > 1e9, ROAD, CAR)))
    assert (free.range == 0).all()
    assert set(free.end) == {End.OBSTACLE}
    assert (free.scan() == -np.inf).all()


@pytest.mark.parametrize('name', LENSES)
def test_a_camera_that_looks_at_the_sky_gives_no_free_space(name: str) -> None:
    seen_from = camera(name, pitch=-1.5)
    label = np.full(SIZE[::-1], ROAD, np.uint8)
    free = find(seen_from, label)
    assert (free.range == 0).all()
    assert set(free.end) == {End.UNKNOWN}
    assert np.isnan(free.near).all()
    assert np.isnan(free.scan()).all()


def test_the_search_begins_above_the_hood() -> None:
    seen_from = camera()
    label = paint(seen_from, lambda x, _: np.where(x < 12, ROAD, CAR))
    without = find(seen_from, label)
    ego = np.zeros(label.shape, bool)
    ego[150:] = True
    label[150:] = CAR
    free = find(seen_from, label, ego=ego)
    np.testing.assert_allclose(free.range[100:220], without.range[100:220], rtol=1e-5, atol=0.3)
    assert (free.near[100:220] > without.near[100:220] + 0.5).all()


def test_bearings_whose_ground_is_first_seen_far_away_are_unknown() -> None:
    seen_from = camera(pitch=-0.15)
    label = paint(seen_from, lambda x, _: np.where(x < 1e9, ROAD, ROAD))
    assert seen_from.ground((160, 179))[0] > TRUST.max_blind
    free = find(seen_from, label)
    assert (free.range == 0).all()
    assert set(free.end) == {End.UNKNOWN}


def test_cameras_to_the_left_and_to_the_rear() -> None:
    for yaw in (np.pi / 2, np.pi, -2.5):
        seen_from = camera(yaw=yaw, x=-0.5)
        label = paint(seen_from, lambda x, y: np.where(np.hypot(x + 0.5, y) < 9, ROAD, CAR))
        free = find(seen_from, label)
        assert np.median(free.range) == pytest.approx(9, rel=0.03)
        assert abs((free.bearing[160] - yaw + np.pi) % (2 * np.pi) - np.pi) < 0.02
        step = np.diff(free.bearing)
        np.testing.assert_allclose(step, step[0], rtol=1e-3)


def test_a_car_reaches_the_ground_between_its_wheels() -> None:
    """Wheels at 10 m; between them the view goes on below the bumper to 12 m."""
    seen_from = camera()

    def car(x: Floats, y: Floats) -> npt.NDArray[np.int64]:
        wheels = (x > 10) & (abs(abs(y) - 0.7) < 0.1)
        return np.where(wheels | ((x > 12) & (abs(y) < 0.8)), CAR, ROAD)

    free = find(seen_from, paint(seen_from, car))
    between = abs(free.bearing) < np.arctan(0.6 / 10)
    assert between.sum() > 20
    np.testing.assert_allclose(free.points[between, 0], 10, atol=0.5)


def test_a_lane_between_two_rows_of_cars_stays_free() -> None:
    """The sides of the rows are seen all the way to the car ahead: one run of obstacles."""
    seen_from = camera()

    def cars(x: Floats, y: Floats) -> npt.NDArray[np.int64]:
        rows = (x > 8) & (abs(y) > 1.5)
        return np.where(rows | (x > 25), CAR, ROAD)

    free = find(seen_from, paint(seen_from, cars))
    lane = abs(free.bearing) < np.arctan(1.4 / 25)
    assert free.points[lane, 0].min() > 17  # a closing of 1.36 at most
    sides = (abs(free.bearing) > np.arctan(1.7 / 12)) & (abs(free.bearing) < np.arctan(1.5 / 9))
    np.testing.assert_allclose(abs(free.points[sides, 1]), 1.5, atol=0.15)
