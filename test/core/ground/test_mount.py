from __future__ import annotations

from itertools import product
from math import pi, tan

import numpy as np
import pytest

from seg_perception.core.ground.mount import Mount, MountError
from test.core.ground.cameras import LENSES, K, camera, pixel_grid


@pytest.mark.parametrize('name', LENSES)
@pytest.mark.parametrize(
    'turn', [(0.0, 0.0, 0.0), (0.1, 0.2, -2.5), (-1.5, 0.1, 0.4), (3, -0.1, 1)]
)
def test_pixels_come_back_from_the_ground(name: str, turn: tuple[float, float, float]) -> None:
    roll, pitch, yaw = turn
    seen_from = camera(name, x=1.2, y=-0.4, roll=roll, pitch=pitch, yaw=yaw)
    grid = pixel_grid()
    ground = seen_from.ground(grid)
    below = ~np.isnan(ground[..., 0])
    assert 0.2 < below.mean() < 0.85
    np.testing.assert_allclose(seen_from.pixels(ground)[below], grid[below], rtol=0, atol=1e-6)


@pytest.mark.parametrize('name', LENSES)
def test_ground_points_come_back_from_their_pixels(name: str) -> None:
    seen_from = camera(name, pitch=0.3)
    points = np.array(list(product(np.arange(3, 20, 1.7), np.arange(-1.5, 1.6, 0.4))))
    np.testing.assert_allclose(seen_from.ground(seen_from.pixels(points)), points, atol=1e-9)


def test_the_angles_turn_as_rep_103_says() -> None:
    level = camera(pitch=0)
    ahead = np.array([10.0, 0.0])
    u, v = level.pixels(ahead)
    np.testing.assert_allclose((u, v), (K[2], K[5] + K[4] * 0.15))
    # Looking down lifts the ground in the image, looking left moves it to the right, and leaning
    # to the right turns the image to the left about its centre.
    np.testing.assert_allclose(camera(pitch=np.arctan(0.15)).pixels(ahead), (K[2], K[5]))
    np.testing.assert_allclose(camera(pitch=0, yaw=0.1).pixels(ahead)[0], K[2] + K[0] * tan(0.1))
    np.testing.assert_allclose(
        camera(pitch=0, roll=pi / 2).pixels(ahead), (K[2] + K[0] * 0.15, K[5]), atol=1e-9
    )
    np.testing.assert_allclose(camera(pitch=0, x=1, y=0.5).pixels((11, 0.5)), (u, v))


def test_ground_straight_ahead_is_where_trigonometry_says() -> None:
    ground = camera(height=1.6, pitch=0.1).ground((K[2], K[5]))
    np.testing.assert_allclose(ground, (1.6 / tan(0.1), 0), atol=1e-12)


@pytest.mark.parametrize('name', LENSES)
def test_a_camera_that_looks_at_the_sky_sees_no_ground(name: str) -> None:
    assert np.isnan(camera(name, pitch=-1.5).ground(pixel_grid())).all()


def test_the_horizon_parts_ground_and_sky() -> None:
    seen_from = camera('barrel', roll=0.1, yaw=0.3)
    for u, v in seen_from.horizon(np.linspace(0.0, 0.6, 7)):
        assert np.isnan(seen_from.ground((u, v - 0.01))).all()
        assert np.isfinite(seen_from.ground((u, v + 0.01))).all()


def test_a_transform_mounts_the_camera_as_the_angles_do() -> None:
    by_hand = Mount.from_angles(1.5, x=1.2, y=-0.4, roll=0.1, pitch=0.2, yaw=0.3)
    matrix = np.eye(4)
    matrix[:3, :3] = by_hand.rotation
    matrix[:3, 3] = by_hand.position - (0, 0, 0.35)
    by_tf = Mount.from_transform(matrix, ground=-0.35)
    np.testing.assert_allclose(by_tf.rotation, by_hand.rotation)
    np.testing.assert_allclose(by_tf.position, by_hand.position)
    assert by_hand.heading == pytest.approx(0.3)
    assert Mount.from_angles(1.5, pitch=pi / 2, yaw=-0.3).heading == pytest.approx(-0.3)


def test_places_that_are_none_are_refused() -> None:
    with pytest.raises(MountError, match='expected a camera above the ground'):
        Mount.from_angles(0.0)
    with pytest.raises(MountError, match='expected a rotation, got'):
        Mount(np.diag([1.0, 1.0, -1.0]), np.array([0.0, 0.0, 1.0]))
    with pytest.raises(MountError, match=r'expected \[4, 4\]'):
        Mount.from_transform(np.eye(3))
    with pytest.raises(MountError, match=r'got \[2, 2\] and \[3\]'):
        Mount(np.eye(2), np.ones(3))
