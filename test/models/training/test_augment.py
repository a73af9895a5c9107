"""Random views: picture and labels move together, and nothing is made up beyond the border."""

from __future__ import annotations

import numpy as np
import pytest

from seg_perception.models.training.augment import Augmentation, photometric


@pytest.mark.parametrize('seed', range(8))
def test_labels_stay_on_their_pixels(seed: int) -> None:
    """The picture is the labels' own value in grey: after any view they must still agree."""
    truth = np.zeros((90, 160), np.uint8)
    truth[:, 80:] = 1
    truth[45:] += 2
    bgr = np.repeat((truth * 60)[..., None], 3, axis=2)
    view = Augmentation(96, 64, (0.6, 2.0))
    matrix = view._placement(160, 90, np.random.default_rng(seed))
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
    matrix = view._placement(160, 90, np.random.default_rng(3))
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
