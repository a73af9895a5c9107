from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.ground.bearings import Fan, Trust
from seg_perception.core.ground.free_space import FreeSpaceFinder
from seg_perception.core.ground.grid import (
    FREE,
    OCCUPIED,
    UNKNOWN,
    CameraGrid,
    Cells,
    DrivableGrid,
    GridSpec,
)
from seg_perception.core.ground.mount import GroundCamera
from test.core.ground.cameras import CAR, LABELS, LENSES, ROAD, SIDEWALK, SIZE, camera, paint, sure

Floats = npt.NDArray[np.float64]
TRUST = Trust(pitch_error=0.001)
SPEC = GridSpec(x_min=-2, x_max=30, y_min=-8, y_max=8, resolution=0.25)


def cells_of(seen_from: GroundCamera, label: npt.NDArray[np.uint8]) -> Cells:
    fan = Fan(seen_from, SIZE, TRUST)
    free = FreeSpaceFinder(fan, LABELS, min_drivable=128, min_label=0).find(label, sure(label))
    return CameraGrid(fan, SPEC, TRUST).cells(free)


def middles() -> tuple[Floats, Floats]:
    corners = SPEC.corners()
    x, y = np.moveaxis((corners[:-1, :-1] + corners[1:, 1:]) / 2, -1, 0)
    return x, y


@pytest.mark.parametrize('name', LENSES)
@pytest.mark.parametrize('roll', [0.0, 0.3])
def test_road_is_free_a_wall_is_occupied_and_the_rest_unknown(name: str, roll: float) -> None:
    seen_from = camera(name, x=1.0, y=0.5, yaw=0.2, roll=roll)
    cells = cells_of(seen_from, paint(seen_from, lambda x, _: np.where(x < 14, ROAD, CAR)))
    assert cells.shape == SPEC.shape == (64, 128)
    assert cells.dtype == np.int8
    x, _ = middles()
    pixel = (1.5**2 + 13.0**2) / 1.5 * seen_from.lens.pixel_angle
    assert (cells == FREE).sum() > 500
    assert x[cells == FREE].max() < 14 + pixel
    assert (cells == OCCUPIED).sum() > 30
    assert x[cells == OCCUPIED].min() > 14 - 1.5 * pixel - 0.25
    assert x[cells == OCCUPIED].max() < 14 + 1.5 * pixel + 0.75
    assert (cells[x > 14 + 1.5 * pixel + 0.75] == UNKNOWN).all()


def test_a_free_cell_is_free_in_all_its_corners() -> None:
    seen_from = camera('barrel', yaw=-0.1)
    label = paint(
        seen_from, lambda x, y: np.where((abs(y - 0.3 * x) < 2) & (x < 20), ROAD, SIDEWALK)
    )
    cells = cells_of(seen_from, label)
    corners = SPEC.corners()
    aside = abs(corners[..., 1] - 0.3 * corners[..., 0]) - 2
    worst = np.maximum.reduce([aside[:-1, :-1], aside[1:, :-1], aside[:-1, 1:], aside[1:, 1:]])
    assert (cells == FREE).sum() > 200
    assert worst[cells == FREE].max() < 0.05
    assert (cells != OCCUPIED).all()


def test_a_large_cell_is_not_free_when_its_far_end_is_not() -> None:
    seen_from, spec = camera(), GridSpec(x_min=0.5, x_max=30.5, resolution=1.0)
    fan = Fan(seen_from, SIZE, TRUST)
    label = paint(seen_from, lambda x, _: np.where(x < 14, ROAD, SIDEWALK))
    free = FreeSpaceFinder(fan, LABELS, min_drivable=128, min_label=0).find(label, sure(label))
    cells = CameraGrid(fan, spec, TRUST, margin=0).cells(free)
    # Ground is in view from 3.8 m on; the last cell that ends before 14 m begins at 12.5 m.
    assert np.flatnonzero((cells == FREE).any(axis=0)).tolist() == list(range(4, 13))


def test_nothing_is_known_before_the_first_ground_in_view_and_behind_the_camera() -> None:
    seen_from = camera(pitch=0.05)
    label = paint(seen_from, lambda x, _: np.where(x < 1e9, ROAD, ROAD))
    cells = cells_of(seen_from, label)
    x, y = middles()
    nearest = seen_from.ground((160, 179.5))[0]
    assert (cells[x < nearest] == UNKNOWN).all()
    assert (cells[(abs(y) < 0.2) & (x > nearest + 0.3) & (x < 28)] == FREE).all()


def test_a_grid_is_in_the_order_of_an_occupancy_grid() -> None:
    cells = SPEC.cells_at(np.array([(-2.0, -8.0), (-1.7, -8.0), (-2.0, -7.7), (30.1, 0.0)]))
    assert cells.tolist() == [0, 1, 128]


def one(value: int) -> Cells:
    return np.full(SPEC.shape, value, np.int8)


def test_cameras_are_merged_by_stamp() -> None:
    grid = DrivableGrid(SPEC, timeout=0.5)
    assert (grid.cells(0.0) == UNKNOWN).all()
    grid.update('front', one(FREE), 10.0)
    left = one(UNKNOWN)
    left[0, 0] = OCCUPIED
    grid.update('left', left, 10.2)
    merged = grid.cells(10.4)
    assert merged[0, 0] == OCCUPIED
    assert (merged.reshape(-1)[1:] == FREE).all()
    stale = grid.cells(10.6)
    assert stale[0, 0] == OCCUPIED
    assert (stale.reshape(-1)[1:] == UNKNOWN).all()
    assert (grid.cells(10.8) == UNKNOWN).all()


def test_an_occupied_cell_is_held_until_it_is_seen_free() -> None:
    grid = DrivableGrid(SPEC, timeout=1.0, hold=0.3)
    grid.update('front', one(OCCUPIED), 5.0)
    grid.update('front', one(UNKNOWN), 5.2)
    assert (grid.cells(5.2) == OCCUPIED).all()
    grid.update('front', one(UNKNOWN), 5.4)
    assert (grid.cells(5.4) == UNKNOWN).all()
    grid.update('front', one(OCCUPIED), 5.5)
    grid.update('front', one(FREE), 5.6)
    assert (grid.cells(5.6) == FREE).all()


def test_time_may_begin_anew() -> None:
    grid = DrivableGrid(SPEC, hold=9.0)
    grid.update('front', one(OCCUPIED), 100.0)
    grid.update('left', one(FREE), 100.0)
    grid.update('front', one(UNKNOWN), 1.0)
    # What the left camera said before belongs to the time before.
    assert (grid.cells(1.0) == UNKNOWN).all()


def test_grids_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match='rectangle of a cell or more, got 0 x 30 m'):
        GridSpec(x_max=0.0)
    with pytest.raises(ValueError, match='at most 4 million cells'):
        GridSpec(resolution=0.001)
    with pytest.raises(ValueError, match=r'grid of left: expected \(64, 128\), got \(2, 2\)'):
        DrivableGrid(SPEC).update('left', np.zeros((2, 2), np.int8), 0.0)
