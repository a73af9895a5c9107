from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.ground.bearings import Fan, Trust
from seg_perception.core.ground.regions import ObstacleRegion, RegionFinder
from test.core.ground.cameras import CAR, LABELS, ROAD, SIZE, camera, paint, sure

PERSON, BUILDING = LABELS.train_id('person'), LABELS.train_id('building')
CAMERA = camera(yaw=0.1, x=1.0)


def find(
    label: npt.NDArray[np.uint8],
    confidence: npt.NDArray[np.uint8] | None = None,
    *,
    ego: npt.NDArray[np.bool_] | None = None,
    most: int = 64,
) -> tuple[ObstacleRegion, ...]:
    finder = RegionFinder(Fan(CAMERA, SIZE, Trust(), ego=ego), LABELS, min_pixels=20, most=most)
    return finder.find(label, sure(label) if confidence is None else confidence)


def road() -> npt.NDArray[np.uint8]:
    return paint(CAMERA, lambda x, _: np.where(x < 1e9, ROAD, ROAD))


def test_a_region_has_its_box_and_its_place_on_the_ground() -> None:
    label, confidence = road(), np.zeros(SIZE[::-1], np.uint8)
    label[60:121, 100:131] = CAR
    confidence[60:121, 100:131] = 204
    (car,) = find(label, confidence)
    assert car.label == CAR
    assert car.box == (100, 60, 31, 61)
    assert car.pixels == 31 * 61
    assert car.confidence == pytest.approx(0.8)
    np.testing.assert_array_equal(car.foot, (115, 120.5))
    assert car.foot_seen
    np.testing.assert_allclose(car.position, CAMERA.ground((115, 120.5)), rtol=1e-5)
    assert car.range == pytest.approx(np.hypot(car.position[0] - 1.0, car.position[1]))
    ends = CAMERA.ground([(99.5, 120.5), (130.5, 120.5)])
    assert car.width == pytest.approx(np.linalg.norm(ends[1] - ends[0]))
    assert car.range_error == pytest.approx(
        Trust().range_error(car.range, 1.5, CAMERA.lens.pixel_angle)
    )


def test_touching_obstacles_of_different_classes_are_different_regions() -> None:
    label = road()
    label[20:100] = BUILDING
    label[60:121, 100:131] = CAR
    label[50:111, 131:140] = PERSON
    label[121:130, 140:150] = PERSON
    found = find(label)
    assert [r.label for r in found] == [PERSON, CAR, PERSON, BUILDING]
    person, car, other, building = found
    assert car.box[1] + car.box[3] == 121
    assert car.box[0] + car.box[2] == 131
    assert person.box == (140, 121, 10, 9)
    assert other.box[1] + other.box[3] == 111
    assert building.box[:3] == (0, 20, 320)
    assert sum(r.pixels for r in found) > 0.98 * np.isin(label, (BUILDING, CAR, PERSON)).sum()


@pytest.mark.parametrize('left', [40, 60])
def test_obstacles_that_touch_at_a_corner_are_different_regions(left: int) -> None:
    label = road()
    label[90:100, 50:60] = CAR
    label[100:110, left : left + 10] = PERSON
    assert [(r.label, r.pixels) for r in find(label)] == [(PERSON, 99), (CAR, 100)]


def test_a_region_above_the_horizon_has_no_place() -> None:
    label = road()
    label[20:40, 100:110] = CAR
    (sign,) = find(label)
    assert np.isnan([*sign.position, sign.range, sign.range_error, sign.width]).all()


def test_a_foot_out_of_view_or_hidden_is_told() -> None:
    label = road()
    label[60:, 20:60] = CAR
    label[60:100, 100:130] = CAR
    label[100:120, 100:130] = PERSON
    seen = {(r.label, r.box[0]): r.foot_seen for r in find(label)}
    assert seen == {(CAR, 20): False, (CAR, 100): False, (PERSON, 100): True}


def test_the_own_vehicle_is_no_obstacle_and_the_ground_at_it_not_seen() -> None:
    label = road()
    label[150:] = CAR
    label[100:150, 50:80] = PERSON
    ego = np.zeros(label.shape, bool)
    ego[150:] = True
    (person,) = find(label, ego=ego)
    assert person.label == PERSON
    assert not person.foot_seen


def test_small_regions_and_far_ones_are_left_out() -> None:
    label = road()
    assert find(label) == ()
    label[100:103, 10:16] = CAR
    assert find(label) == ()
    label[100:120, 50:60] = label[100:130, 80:90] = label[100:110, 120:130] = PERSON
    assert [r.box[0] for r in find(label, most=2)] == [80, 50]
