from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seg_perception.core.ground.view import GroundView
from seg_perception.core.labels import load_label_set
from seg_perception.planner.range_errors import RangeErrors
from seg_perception.planner.street import scene_camera
from seg_perception.sim.scene import Scene
from seg_perception.sim.truth import road_end

SIZE = (320, 180)


def test_errors_are_shares_of_the_true_range() -> None:
    scene, t = Scene(3, *SIZE), 2.0
    label = scene.frame(t).label
    view = GroundView(scene_camera(scene), SIZE, load_label_set())
    free = view.update(label, np.full_like(label, 255), t).free_space
    truth = road_end(scene, t, free.bearing).range.astype(np.float32)
    exact, far = RangeErrors(), RangeErrors()
    exact.add(scene, t, replace(free, range=truth))
    far.add(scene, t, replace(free, range=truth * np.float32(1.2)))
    assert exact.summary()['median'] == pytest.approx(0, abs=1e-6)
    summary = far.summary()
    assert [summary['median'], summary['p95']] == pytest.approx([0.2, 0.2], abs=1e-6)
    assert summary['too_far'] == 1
    assert summary['too_near'] == 0
    with np.errstate(invalid='ignore'):
        judged = (truth > free.near) & (truth <= 30)
    assert summary['bearings'] == judged.sum() > 100


def test_true_labels_find_the_true_ends() -> None:
    errors = RangeErrors()
    for seed in range(3):
        scene = Scene(seed, 640, 360)
        view = GroundView(scene_camera(scene), (640, 360), load_label_set())
        label = scene.frame(4.0).label
        errors.add(scene, 4.0, view.update(label, np.full_like(label, 255), 4.0).free_space)
    summary = errors.summary()
    assert summary['median'] < 0.03
    by_class = summary['by_class']
    assert by_class['sidewalk']['median'] < 0.01
    assert set(by_class) <= {'sidewalk', 'car', 'rider', 'person', 'pole', 'bicycle'}
