from __future__ import annotations

import numpy as np
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.sim.scene import Scene
from seg_perception.sim.truth import KERB, road_end

LABELS = load_label_set()


@pytest.mark.parametrize('seed', range(4))
def test_the_road_ends_where_its_name_does_or_a_foot_print_begins(seed: int) -> None:
    scene, t = Scene(seed, 320, 180), 3.7
    bearings = np.linspace(-0.5, 0.5, 101)
    end = road_end(scene, t, bearings)
    assert KERB in end.names
    objects = scene.objects(t)
    for bearing, reach, name in zip(bearings, end.range, end.names, strict=True):
        if np.isinf(reach):
            assert name == ''
            continue
        x, y = reach * np.cos(bearing), reach * np.sin(bearing)
        if name == KERB:
            assert scene.ground_name(t, 0.999 * x, 0.999 * y) == 'road'
            assert scene.ground_name(t, 1.001 * x, 1.001 * y) == KERB
        else:
            assert min(_distance(o.corners, (x, y)) for o in objects if o.name == name) < 1e-9


@pytest.mark.parametrize('seed', range(3))
def test_the_pixels_before_the_end_are_road(seed: int) -> None:
    """Taken to the image, which is painted by other code, what is free shows road."""
    scene, t = Scene(seed, 640, 360), 2.0
    label = scene.frame(t).label
    bearings = np.linspace(-0.4, 0.4, 161)
    end = road_end(scene, t, bearings)
    shown = []
    for bearing, reach in zip(bearings, np.minimum(end.range, 40), strict=True):
        away = np.array([np.cos(bearing), np.sin(bearing), 0])
        points = np.arange(4, 0.97 * reach, 0.3)[:, None] * away
        pixels = scene.camera.view(0, 0, 0).project(points)
        columns, rows = np.rint(pixels[:, :2] / pixels[:, 2:]).astype(int).T
        inside = (columns >= 0) & (columns < 640) & (rows < 360)
        shown += (label[rows[inside], columns[inside]] == LABELS.train_id('road')).tolist()
    assert len(shown) > 1000
    # A ray that just passes a corner shows what is beside it, too.
    assert np.mean(shown) > 0.99


def _distance(corners: np.ndarray, point: tuple[float, float]) -> float:
    """Return how far a point is from the outline of a polygon [N, 2]."""
    a, b = corners, np.roll(corners, -1, axis=0)
    share = np.clip(((point - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1), 0, 1)
    return float(np.linalg.norm(a + share[:, None] * (b - a) - point, axis=1).min())
