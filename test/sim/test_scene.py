from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.sim.camera_model import View
from seg_perception.sim.ground import first_row
from seg_perception.sim.scene import Scene

LABELS = load_label_set()
OFTEN = {
    'road', 'sidewalk', 'building', 'pole', 'traffic sign', 'vegetation', 'terrain', 'sky',
    'person', 'rider', 'car', 'bicycle',
}  # fmt: skip
TALL = ('car', 'person', 'rider', 'bicycle', 'pole', 'vegetation')


def view_of(scene: Scene) -> View:
    """Return the camera as seen in the vehicle frame."""
    return scene.camera.view(0.0, 0.0, 0.0)


def pixels_of(scene: Scene, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    homogeneous = view_of(scene).project(np.asarray(points, float))
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def test_same_seed_and_time_give_the_same_frame() -> None:
    first, second = Scene(5, 160, 90), Scene(5, 160, 90)
    second.frame(11.0)
    for t in (0.0, 2.35, 60.0):
        a, b = first.frame(t), second.frame(t)
        np.testing.assert_array_equal(a.bgr, b.bgr)
        np.testing.assert_array_equal(a.label, b.label)
    assert (first.frame(0.0).bgr != Scene(6, 160, 90).frame(0.0).bgr).any()


def test_most_scenes_show_the_same_twelve_classes_and_no_others() -> None:
    seen = [
        {LABELS.names[i] for i in np.unique(Scene(s, 512, 288).frame(s).label)} for s in range(8)
    ]
    assert set.union(*seen) == OFTEN
    for name in OFTEN:
        assert sum(name in names for names in seen) >= 6, name


@pytest.mark.parametrize('size', [(16, 16), (161, 97), (96, 640), (640, 48), (333, 333)])
def test_any_size(size: tuple[int, int]) -> None:
    scene = Scene(3, *size)
    frame = scene.frame(1.0)
    assert frame.bgr.shape == (size[1], size[0], 3)
    assert frame.label.shape == (size[1], size[0])
    assert frame.bgr.dtype == frame.label.dtype == np.uint8
    assert frame.label.max() < len(LABELS.labels)
    assert frame.bgr.flags.c_contiguous
    assert (scene.intrinsics.cx, scene.intrinsics.cy) == ((size[0] - 1) / 2, (size[1] - 1) / 2)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match='at least 16x16 pixels, got 15x16'):
        Scene(0, 15, 16)
    with pytest.raises(ValueError, match='seed of 0 or more, got -1'):
        Scene(-1, 64, 64)


@pytest.mark.parametrize('seed', range(4))
def test_pixels_of_bare_ground_carry_the_name_of_the_place_they_show(seed: int) -> None:
    """Take ground points to the image; where nothing stands before them, the label must agree."""
    scene, t = Scene(seed, 640, 360), 4.2
    label = scene.frame(t).label
    ground = {LABELS.train_id(name) for name in ('road', 'sidewalk', 'terrain')}
    grid = np.array([(x, y, 0.0) for x in np.arange(4, 40, 0.7) for y in np.arange(-12, 12, 0.31)])
    checked = 0
    for (x, y, _), (u, v) in zip(grid, pixels_of(scene, grid), strict=True):
        column, row = round(u), round(v)
        if not (0 < column < 639 and 0 < row < 359):
            continue
        around = label[row - 1 : row + 2, column - 1 : column + 2]
        # A pixel beside a border may show either of two strips.
        if len(np.unique(around)) == 1 and around[0, 0] in ground:
            checked += 1
            assert LABELS.names[label[row, column]] == scene.ground_name(t, x, y)
    assert checked > 500


@pytest.mark.parametrize('seed', range(6))
def test_objects_are_where_the_truth_says(seed: int) -> None:
    """The middle of every near object, seen from the camera, is that object or one before it."""
    scene, t = Scene(seed, 640, 360), 3.0
    label = scene.frame(t).label
    heights = {'car': 0.7, 'person': 1.1, 'rider': 1.1, 'pole': 1.5}
    own = dict.fromkeys(heights, 0)
    for thing in (o for o in scene.objects(t) if o.name in heights):
        x, y = thing.corners.mean(axis=0)
        if not 6.0 < x < 25.0:
            continue
        ((u, v),) = pixels_of(scene, [(x, y, heights[thing.name])])
        if not (0 <= u < 639.5 and 0 <= v < 359.5):
            continue
        name = LABELS.names[label[round(v), round(u)]]
        assert name in (thing.name, *TALL, 'traffic sign'), (thing.name, x, y)
        own[thing.name] += name == thing.name
    assert sum(own.values()) >= 3


def test_footprints_have_the_size_of_things_and_lie_near() -> None:
    for seed in range(4):
        objects = Scene(seed, 64, 64).objects(0.0)
        for thing in (o for o in objects if o.name == 'car'):
            sides = np.linalg.norm(np.diff(thing.corners, axis=0), axis=1)
            assert 1.7 < min(sides) < 1.9
            assert 3.8 < max(sides) < 5.0
        assert all(-40 < thing.corners[:, 0].mean() < 90 for thing in objects)
        assert {'building', 'pole', 'person', 'rider'} <= {thing.name for thing in objects}


def test_sky_is_above_the_ground_and_the_road_before_the_vehicle() -> None:
    for seed in range(5):
        scene = Scene(seed, 320, 180)
        label = scene.frame(0.0).label
        top = first_row(view_of(scene))
        assert (label[top:] != LABELS.train_id('sky')).all()
        assert label[-1, 160] == LABELS.train_id('road')


def test_time_is_continuous() -> None:
    scene = Scene(2, 320, 180)
    start = scene.frame(5.0).label
    shortly_after = (scene.frame(5.01).label != start).mean()
    much_later = (scene.frame(15.0).label != start).mean()
    assert 0 < shortly_after < 0.02
    assert much_later > 4 * shortly_after


def test_things_move_by_their_speed() -> None:
    scene = Scene(1, 64, 64)
    before, after = scene.objects(2.0), scene.objects(2.1)
    poles = [o.corners[:, 0].mean() for o in before if o.name == 'pole']
    later = [o.corners[:, 0].mean() for o in after if o.name == 'pole']
    # What is nearest behind a post's old place is the post itself, a tenth of a second later.
    moved = [min(a - b for b in later if b < a) for a in poles if a > min(later)]
    assert len(moved) > 3
    assert 0.55 <= np.median(moved) <= 1.15


def test_the_street_goes_on() -> None:
    scene = Scene(4, 160, 90)
    for t in (0.0, 600.0, 86400.0):
        names = {LABELS.names[i] for i in np.unique(scene.frame(t).label)}
        assert {'road', 'sidewalk', 'building', 'vegetation', 'sky'} <= names
