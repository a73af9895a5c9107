from __future__ import annotations

import numpy as np
import pytest

from seg_perception.core.ground.grid import FREE, OCCUPIED, GridSpec
from seg_perception.core.ground.view import GroundView
from seg_perception.core.labels import load_label_set
from seg_perception.planner.grid_errors import GridErrors, beyond_kerbs, overlaps
from seg_perception.planner.street import scene_camera
from seg_perception.sim.scene import Scene

SPEC = GridSpec(x_min=0, x_max=10, y_min=-5, y_max=5, resolution=1.0)
DIAMOND = np.array([(3.5, 0.1), (4.9, 1.5), (3.5, 2.9), (2.1, 1.5)])


def test_a_polygon_overlaps_the_cells_it_reaches_into_and_no_others() -> None:
    cells = overlaps(SPEC, DIAMOND)
    assert cells.shape == (10, 10)
    # Nine cells lie in its box; at each corner the side passes through the cell.
    assert cells.sum() == 9
    assert cells[5:8, 2:5].all()
    small = overlaps(SPEC, (DIAMOND - (3.5, 1.5)) * 0.7 + (3.5, 1.5))
    assert small[5:8, 2:5].tolist() == [[False, True, False], [True] * 3, [False, True, False]]
    assert overlaps(SPEC, DIAMOND, margin=1.0).sum() == 21


@pytest.mark.parametrize('shift', [(-9.0, 0.0), (20.0, 0.0), (0.0, -30.0), (0.0, 30.0)])
def test_a_polygon_beside_the_grid_overlaps_nothing(shift: tuple[float, float]) -> None:
    assert not overlaps(SPEC, DIAMOND + shift).any()


def test_cells_that_reach_over_a_kerb_are_off_the_road() -> None:
    kerbs = np.array([[[-50.0, y], [50.0, y]] for y in (3.5, -2.0)])
    off = beyond_kerbs(kerbs, SPEC.corners())
    assert off.any(axis=1).tolist() == [True] * 3 + [False] * 5 + [True] * 2
    assert (off.any(axis=1) == off.all(axis=1)).all()
    np.testing.assert_array_equal(beyond_kerbs(kerbs[::-1], SPEC.corners()), off)


def test_wrong_cells_are_counted() -> None:
    scene, t = Scene(3, 640, 360), 2.0
    view = GroundView(scene_camera(scene), (640, 360), load_label_set())
    label = scene.frame(t).label
    out = view.update(label, np.full_like(label, 255), t)
    errors = GridErrors()
    errors.add(scene, t, view, out)
    assert errors.free == (out.cells == FREE).sum() > 1000
    assert errors.occupied == (out.cells == OCCUPIED).sum() > 50
    summary = errors.summary()
    assert summary['free_but_occupied'] < 0.005
    assert summary['free_but_off_road'] < 0.005
    assert summary['visible_free_found'] > 0.9
    assert summary['occupied_right'] > 0.85
    blind = GridErrors()
    out.cells[:] = FREE
    blind.add(scene, t, view, out)
    assert blind.summary()['free_but_occupied'] > 0.05
    assert blind.summary()['free_but_off_road'] > 0.3
    assert blind.summary()['visible_free_found'] == 1
