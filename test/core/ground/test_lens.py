from __future__ import annotations

import cv2
import numpy as np
import pytest

from seg_perception.core.ground.lens import LensError, make_lens
from test.core.ground.cameras import LENSES, K, pixel_grid


@pytest.mark.parametrize('name', LENSES)
def test_every_pixel_comes_back_from_its_ray(name: str) -> None:
    lens, grid = make_lens(K, LENSES[name][1], LENSES[name][0]), pixel_grid()
    rays = lens.rays(grid)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1)
    np.testing.assert_allclose(lens.project(rays), grid, rtol=0, atol=1e-6)


@pytest.mark.parametrize('name', LENSES)
def test_points_land_where_opencv_projects_them(name: str) -> None:
    model, d = LENSES[name]
    points = np.random.default_rng(0).uniform((-2, -1, 3), (2, 1, 9), (500, 3))
    k, still = np.array(K).reshape(3, 3), np.zeros(3)
    project = cv2.fisheye.projectPoints if model == 'equidistant' else cv2.projectPoints
    expected, _ = project(points[:, None], still, still, k, np.array(d or [0.0] * 4))
    found = make_lens(K, d, model).project(points)
    np.testing.assert_allclose(found, expected.reshape(-1, 2), rtol=0, atol=1e-9)


def test_random_lenses_bring_their_pixels_back() -> None:
    rng, grid = np.random.default_rng(1), pixel_grid()[::9, ::9]
    for _ in range(20):
        d = rng.uniform(-1, 1, 8) * (0.4, 0.2, 0.005, 0.005, 0.1, 0.3, 0.2, 0.1)
        lens = make_lens(K, d.tolist(), 'rational_polynomial')
        back = lens.project(lens.rays(grid))
        known = ~np.isnan(back)
        assert known.mean() > 0.5
        np.testing.assert_allclose(back[known], grid[known], rtol=0, atol=1e-6)


def test_what_lies_behind_a_pinhole_has_no_pixel() -> None:
    lens = make_lens(K)
    assert np.isnan(lens.project([[0.1, 0.1, -1.0], [0.0, 0.0, 0.0]])).all()
    np.testing.assert_allclose(lens.project([0.0, 0.0, 2.0]), (K[2], K[5]))


def test_a_ray_beyond_the_fold_of_a_lens_has_no_pixel() -> None:
    """With k1 = -0.3 the image's radius shrinks again beyond r² = 1 / 0.9."""
    lens = make_lens(K, (-0.3, 0.0, 0.0, 0.0))
    just_inside, just_outside = (np.sqrt(s / 0.9) for s in (0.999, 1.001))
    assert np.isfinite(lens.project([just_inside, 0, 1])).all()
    assert np.isnan(lens.project([just_outside, 0, 1])).all()


def test_a_ray_beyond_the_fold_of_a_fisheye_has_no_pixel() -> None:
    """With k1 = -0.1 the image's radius shrinks again beyond an angle² of 1 / 0.3."""
    lens = make_lens(K, (-0.1, 0.0, 0.0, 0.0), 'equidistant')
    for share, seen in ((0.999, True), (1.001, False)):
        angle = share * np.sqrt(1 / 0.3)
        assert np.isfinite(lens.project([np.sin(angle), 0, np.cos(angle)])).all() == seen


def test_a_pixel_beyond_the_picture_of_a_lens_has_no_ray() -> None:
    lens = make_lens(K, (-0.3, 0.0, 0.0, 0.0))
    widest = K[2] + K[0] * np.sqrt(1 / 0.9) * (1 - 0.3 / 0.9)
    assert np.isfinite(lens.rays([widest - 1, K[5]])).all()
    assert np.isnan(lens.rays([widest + 1, K[5]])).all()


def test_a_fisheye_sees_behind_itself() -> None:
    lens = make_lens(K, (0.0,) * 4, 'equidistant')
    back = lens.rays([K[2] + K[0] * 1.8, K[5]])
    np.testing.assert_allclose(back, (np.sin(1.8), 0, np.cos(1.8)), atol=1e-12)
    np.testing.assert_allclose(lens.project(back), (K[2] + K[0] * 1.8, K[5]))


@pytest.mark.parametrize(
    ('k', 'd', 'model', 'message'),
    [
        ((0.0,) * 9, (), '', 'focal lengths above 0'),
        (K[:8], (), '', 'expected 9 finite numbers'),
        ((1.0, 0.1, 0, 0, 1, 0, 0, 0, 1), (), '', r'expected \[fx 0 cx'),
        (K, (), 'thin_prism', 'expected plumb_bob, rational_polynomial, equidistant, got'),
        (K, (0.1,) * 3, 'plumb_bob', 'expected 0 or 4 or 5 numbers, got'),
        (K, (0.1,) * 12, 'rational_polynomial', 'expected 8 or 12 or 14 numbers, zeros after'),
        (K, (np.nan,) * 4, 'plumb_bob', 'finite'),
    ],
)
def test_numbers_that_are_no_lens_are_refused(
    k: tuple[float, ...], d: tuple[float, ...], model: str, message: str
) -> None:
    with pytest.raises(LensError, match=message):
        make_lens(k, d, model)
