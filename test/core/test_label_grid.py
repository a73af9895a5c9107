"""The label grid of a camera: its lens sees the same as the camera's, its pixels are published."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from seg_perception.core.ground.lens import make_lens
from seg_perception.core.label_grid import LabelGrid
from seg_perception.core.view import GEOMETRIES, Geometry, OutputSize, View
from test.tiny_model import tiny_contract

SIZE = (400, 300)
K = [320.0, 0.0, 201.5, 0.0, 310.0, 148.5, 0.0, 0.0, 1.0]
P = [300.0, 0.0, 199.5, 0.0, 0.0, 300.0, 149.5, 0.0, 0.0, 0.0, 1.0, 0.0]
D = [-0.2, 0.05, 0.001, 0.0, 0.0]
WHOLE = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0)
INFO = SimpleNamespace(
    width=400, height=300, distortion_model='plumb_bob', k=K, d=D, r=[0.0] * 9, p=P, roi=WHOLE
)
RAYS = np.array([(0.1, 0.2, 1.0), (-0.2, 0.1, 1.0), (0.0, 0.3, 2.0)])


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('output', ['camera', 'network', (200, 150)])
@pytest.mark.parametrize('region', [None, (40, 60, 320, 200)])
def test_a_ray_meets_the_same_place_in_camera_grid_and_masks(
    geometry: Geometry, output: OutputSize, region: tuple[int, int, int, int] | None
) -> None:
    view = View(tiny_contract(), geometry=geometry, output=output, region=region)
    placement = view.placement(SIZE)
    grid = LabelGrid(placement)
    pixels = grid.lens(INFO).project(RAYS)
    k, _ = placement.intrinsics(K, P)
    expected = make_lens(k, D).project(RAYS)
    np.testing.assert_allclose(grid.published(pixels), expected, atol=1e-9)
    assert grid.cut(np.zeros(placement.label_size[::-1], np.uint8)).shape == grid.size[::-1]
    if output == 'network':
        assert grid.published_size == grid.size
        np.testing.assert_allclose(grid.published(pixels), pixels, atol=1e-9)


def test_rectified_images_are_seen_by_p() -> None:
    grid = LabelGrid(View(tiny_contract(), output='network').placement(SIZE))
    lens = grid.lens(INFO, rectified=True)
    assert lens.coefficients == ()
    np.testing.assert_allclose(lens.focal, (300 * 128 / 400, 300 * 64 / 300))


def test_a_mask_of_the_camera_lies_on_its_labels() -> None:
    mask = np.zeros((30, 40), np.uint8)
    mask[20:] = 1
    grid = LabelGrid(View(tiny_contract(), region=(0, 150, 400, 150)).placement(SIZE))
    np.testing.assert_array_equal(grid.sample(mask)[:, 5], np.arange(64) + 0.5 >= 64 / 3)
