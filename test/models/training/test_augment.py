"""Random views: picture and labels move together, and nothing is made up beyond the border."""

from __future__ import annotations

from itertools import islice
from typing import Any

import cv2
import numpy as np
import pytest

from seg_perception.models.training.augment import Augmentation, distortion, photometric


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('more', [{}, {'own_pixels': True, 'rotation': 20.0, 'stretch': 1.0}])
def test_labels_stay_on_their_pixels(seed: int, more: dict[str, Any]) -> None:
    """The picture is the labels' own value in grey: after any view they must still agree."""
    truth = np.zeros((90, 160), np.uint8)
    truth[:, 80:] = 1
    truth[45:] += 2
    bgr = np.repeat((truth * 60)[..., None], 3, axis=2)
    view = Augmentation(96, 64, (0.6, 2.0), **more)
    matrix = next(view._placements(160, 90, np.random.default_rng(seed)))
    rgb, label = view(bgr, truth, np.random.default_rng(seed))
    assert rgb.shape == (64, 96, 3)
    assert label.shape == (64, 96)
    assert set(np.unique(label)) <= {0, 1, 2, 3, 255}
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    ys, xs = np.mgrid[:64, :96]
    source = np.tensordot(inverse[:2], np.stack([xs, ys, np.ones_like(xs)]), 1)
    x, y = source
    inside = (x > 0.6) & (x < 158.4) & (y > 0.6) & (y < 88.4)
    clear = inside & (np.abs(x - 79.5) > 1) & (np.abs(y - 44.5) > 1)
    expected = (x > 79.5).astype(np.uint8) + 2 * (y > 44.5).astype(np.uint8)
    np.testing.assert_array_equal(label[clear], expected[clear])
    beyond = (x < -0.6) | (x > 159.6) | (y < -0.6) | (y > 89.6)
    assert (label[beyond] == 255).all()
    shades = [rgb[clear & (label == n)].mean() for n in range(4) if (clear & (label == n)).any()]
    assert shades == sorted(shades)


def test_zoom_one_fits_the_frame() -> None:
    view = Augmentation(80, 45, (1.0, 1.0), stretch=1.0)
    matrix = next(view._placements(160, 90, np.random.default_rng(3)))
    assert abs(matrix[0, 0]) == 0.5
    assert matrix[1, 1] == 0.5


def test_the_same_seed_gives_the_same_view() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    truth = picture[..., 0] % 19
    view = Augmentation(48, 32)
    one, two, other = (view(picture, truth, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    assert (one[0] != other[0]).any()


def test_light_changes_within_bounds() -> None:
    grey = np.full((32, 32, 3), 128, np.uint8)
    means = [photometric(grey, np.random.default_rng(seed)).mean() for seed in range(40)]
    assert np.std(means) > 5
    assert 80 < min(means) < max(means) < 180


def test_own_pixels_keep_the_frames_scale() -> None:
    """Zooms are drawn evenly from their range, alike for both sides, whatever the crop."""
    view = Augmentation(80, 45, (0.5, 2.0), own_pixels=True, stretch=1.0)
    zooms = []
    for seed in range(200):
        matrix = next(view._placements(160, 90, np.random.default_rng(seed)))
        assert abs(matrix[0, 0]) == matrix[1, 1]
        zooms.append(matrix[1, 1])
    assert 0.5 <= min(zooms) < 0.6
    assert 1.9 < max(zooms) <= 2.0
    assert np.mean(zooms) == pytest.approx(1.25, abs=0.1)


def test_half_of_the_frames_are_turned() -> None:
    view = Augmentation(80, 45, own_pixels=True, stretch=1.0, rotation=10.0)
    angles = []
    for seed in range(200):
        matrix = next(view._placements(160, 90, np.random.default_rng(seed)))
        angles.append(np.degrees(np.arctan2(matrix[1, 0] * np.sign(matrix[0, 0]), matrix[1, 1])))
    turned = np.abs(angles) > 1e-9
    assert 75 <= turned.sum() <= 125
    assert 8 < np.abs(angles).max() <= 10


def test_a_turn_leaves_the_middle_where_it_was() -> None:
    view = Augmentation(160, 90, (1.0, 1.0), stretch=1.0, rotation=90.0)
    for seed in range(10):
        matrix = next(view._placements(160, 90, np.random.default_rng(seed)))
        np.testing.assert_allclose(matrix @ [79.5, 44.5, 1], [79.5, 44.5], atol=1e-9)


def test_one_class_does_not_fill_a_crop() -> None:
    """Crops are tried until the largest class of labelled pixels has less than its share."""
    truth = np.zeros((200, 200), np.uint8)
    truth[:60] = 255
    truth[150:] = 1
    bgr = np.zeros((200, 200, 3), np.uint8)
    some: dict[str, Any] = {'scale': (1.0, 1.0), 'own_pixels': True, 'stretch': 1.0}
    plain, limited = Augmentation(40, 40, **some), Augmentation(40, 40, largest_share=0.75, **some)

    def filled(view: Augmentation) -> int:
        labels = (view(bgr, truth, np.random.default_rng(seed))[1] for seed in range(100))
        counts = [np.bincount(label.ravel(), minlength=2)[:2] for label in labels]
        return sum(count.max() >= 0.75 * max(count.sum(), 1) for count in counts)

    assert filled(plain) > 70
    assert filled(limited) < 30


def test_crops_of_a_frame_share_its_zoom() -> None:
    view = Augmentation(40, 40, own_pixels=True)
    crops = list(islice(view._placements(160, 90, np.random.default_rng(0)), 5))
    assert len({abs(matrix[0, 0]) for matrix in crops}) == 1
    assert len({matrix[0, 2] for matrix in crops}) == 5


def test_blur_softens_its_share_of_the_frames() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    truth = np.zeros((64, 64), np.uint8)
    same: dict[str, Any] = {'scale': (1.0, 1.0), 'stretch': 1.0, 'color': 'none'}
    view = Augmentation(64, 64, blur=0.5, **same)
    spreads = [view(noise, truth, np.random.default_rng(seed))[0].std() for seed in range(60)]
    soft = sum(spread < 0.5 * noise.std() for spread in spreads)
    assert 18 <= soft <= 42
    assert all(spread > 0.9 * noise.std() for spread in spreads if spread >= 0.5 * noise.std())


def test_no_color_is_the_frames_own() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    view = Augmentation(48, 32, (1.0, 1.0), stretch=1.0, color='none')
    rgb, _ = view(picture, picture[..., 0] % 19, np.random.default_rng(0))
    same = picture[..., ::-1]
    assert (rgb == same).all() or (rgb == same[:, ::-1]).all()


def test_distortion_keeps_within_its_bounds() -> None:
    """A hue of 40 (of 180) turns by up to 18, grey stays grey, some frames stay as they are."""
    colour = np.full(
        (4, 4, 3), cv2.cvtColor(np.array([[[40, 120, 120]]], np.uint8), cv2.COLOR_HSV2RGB)
    )
    grey = np.full((4, 4, 3), 100, np.uint8)
    hues, levels = [], []
    for seed in range(300):
        changed = distortion(colour, np.random.default_rng(seed))
        hues.append(int(cv2.cvtColor(changed, cv2.COLOR_RGB2HSV)[0, 0, 0]))
        changed = distortion(grey, np.random.default_rng(seed))
        assert np.ptp(changed) == 0
        levels.append(int(changed[0, 0, 0]))
    assert 20 <= min(hues) < 26
    assert 54 < max(hues) <= 60
    assert 34 <= min(levels) < 60
    assert 160 < max(levels) <= 198
    assert levels.count(100) > 30
