from __future__ import annotations

import numpy as np
import pytest

from seg_perception.core.ground.free_space import End
from seg_perception.core.ground.grid import FREE, OCCUPIED, UNKNOWN
from seg_perception.core.ground.health import HealthLimits
from seg_perception.core.ground.pictures import END_COLORS, FREE_COLOR, FreeSpaceOverlay, birds_eye
from seg_perception.core.ground.view import GroundOptions, GroundView
from test.core.ground.cameras import CAR, LABELS, LENSES, ROAD, SIZE, camera, paint, sure

CAMERA = camera(x=0.5)
LABEL = paint(CAMERA, lambda x, y: np.where((x > 12) & (abs(y) < 1.5), CAR, ROAD))
OPTIONS = GroundOptions(health=HealthLimits(min_contrast=0, frozen_after=0))


def test_one_frame_gives_all_that_belongs_together() -> None:
    view = GroundView(CAMERA, SIZE, LABELS, OPTIONS)
    out = view.update(LABEL, sure(LABEL), 7.5)
    assert out.stamp == 7.5
    assert out.health.usable
    (car,) = out.obstacles
    ahead = out.free_space.end == End.OBSTACLE
    nearest = out.free_space.range[ahead].min()
    assert car.range == pytest.approx(nearest, rel=0.05)
    assert (out.cells == OCCUPIED).any()
    assert (out.cells == FREE).sum() > 1000


def test_an_unusable_frame_says_nothing() -> None:
    view = GroundView(CAMERA, SIZE, LABELS, OPTIONS)
    view.update(LABEL, sure(LABEL), 1.0)
    out = view.update(LABEL, np.zeros_like(LABEL), 1.1, np.zeros((8, 8), np.uint8))
    assert not out.health.usable
    assert (out.free_space.range == 0).all()
    assert set(out.free_space.end) == {End.UNKNOWN}
    assert (out.cells == UNKNOWN).all()
    assert out.obstacles == ()


def test_the_vote_covers_a_flicker() -> None:
    view = GroundView(CAMERA, SIZE, LABELS, GroundOptions(vote_frames=3))
    steady = view.update(LABEL, sure(LABEL), 1.0)
    view.update(LABEL, sure(LABEL), 1.1)
    flicker = LABEL.copy()
    flicker[120:140] = LABELS.train_id('terrain')
    out = view.update(flicker, sure(LABEL), 1.2)
    np.testing.assert_array_equal(out.free_space.range, steady.free_space.range)


def test_an_ego_mask_of_any_size_is_taken() -> None:
    hood = np.zeros((90, 160), bool)
    hood[75:] = True
    label = LABEL.copy()
    label[150:] = CAR
    view = GroundView(CAMERA, SIZE, LABELS, OPTIONS, ego_mask=hood)
    out = view.update(label, sure(label), 1.0)
    assert len(out.obstacles) == 1
    assert (out.free_space.range > 0).mean() > 0.8
    without = GroundView(CAMERA, SIZE, LABELS, OPTIONS).update(label, sure(label), 1.0)
    assert (without.free_space.range == 0).mean() > 0.9


def test_a_label_of_another_size_is_refused() -> None:
    view = GroundView(CAMERA, SIZE, LABELS)
    with pytest.raises(ValueError, match=r'of \[180, 320\], got \[90, 160\] and \[180, 320\]'):
        view.update(LABEL[::2, ::2], sure(LABEL), 0.0)


@pytest.mark.parametrize('name', LENSES)
def test_a_camera_that_looks_at_the_sky_says_nothing(name: str) -> None:
    view = GroundView(camera(name, pitch=-1.5), SIZE, LABELS, OPTIONS)
    label = np.full(SIZE[::-1], ROAD, np.uint8)
    out = view.update(label, sure(label), 0.0)
    assert (out.cells == UNKNOWN).all()
    assert (out.free_space.range == 0).all()
    paint_free = FreeSpaceOverlay(view.fan)
    assert not paint_free.mask(out.free_space).any()


def test_the_overlay_is_free_where_the_free_space_is() -> None:
    view = GroundView(CAMERA, SIZE, LABELS, OPTIONS)
    out = view.update(LABEL, sure(LABEL), 0.0)
    overlay = FreeSpaceOverlay(view.fan)
    free = overlay.mask(out.free_space) > 0
    assert (LABEL[free] == ROAD).mean() > 0.99
    assert free[110:, 60:100].all()
    grey = np.full((360, 640, 3), 128, np.uint8)
    picture = overlay.paint(grey, out.free_space, out.obstacles)
    assert picture.shape == grey.shape
    assert (grey == 128).all()
    np.testing.assert_allclose(picture[350, 320], 0.55 * 128 + 0.45 * np.array(FREE_COLOR), atol=1)
    assert (picture[:60] == 128).all()


def test_the_view_from_above_shows_each_cell() -> None:
    spec = OPTIONS.grid
    cells = np.full(spec.shape, UNKNOWN, np.int8)
    cells[0, 0], cells[-1, -1] = FREE, OCCUPIED
    picture = birds_eye(spec, cells, pixels_per_cell=2)
    assert picture.shape == (400, 300, 3)
    # Cell (0, 0) is near and to the right, the last one far and to the left.
    assert picture[-1, -1].tolist() == list(FREE_COLOR)
    assert picture[0, 0].tolist() == list(END_COLORS[End.OBSTACLE])
    assert picture[0, -1].tolist() == picture[-1, 0].tolist()


def test_nothing_is_found_before_it_is_asked_for() -> None:
    label = np.full(SIZE[::-1], ROAD, np.uint8)
    out = GroundView(CAMERA, SIZE, LABELS, OPTIONS).update(label, sure(label), 1.0)
    assert not {'free_space', 'obstacles', 'cells'} & vars(out).keys()
    assert out.obstacles == ()
    assert 'free_space' not in vars(out)
    assert out.cells is out.cells
    assert 'free_space' in vars(out)
