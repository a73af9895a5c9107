from __future__ import annotations

import numpy as np
import pytest

from seg_perception.core.labels import UNLABELLED, load_label_set
from seg_perception.core.paint import colorize, overlay

TABLE = load_label_set().color_table()


def test_every_label_has_its_color() -> None:
    label = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = colorize(label, TABLE)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, TABLE[label])
    assert picture[0, 0].tolist() == [128, 64, 128]
    assert picture[0, 13].tolist() == [142, 0, 0]  # car is (0, 0, 142) in RGB
    assert picture[15, 15].tolist() == [0, 0, 0]


@pytest.mark.parametrize('alpha', [0.0, 0.25, 0.5, 1.0])
def test_an_overlay_mixes_colors_with_the_image(alpha: float) -> None:
    label = np.array([[0, 13, UNLABELLED]], np.uint8)
    camera = np.array([[[10, 20, 30], [100, 200, 0], [7, 8, 9]]], np.uint8)
    mixed = camera.copy()
    overlay(mixed, label, colorize(label, TABLE), alpha)
    expected = alpha * TABLE[label] + (1 - alpha) * camera
    np.testing.assert_allclose(mixed[:, :2], expected[:, :2], atol=0.5)
    assert mixed[0, 2].tolist() == [7, 8, 9]


def test_an_overlay_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r'expected an image of \(2, 4\), got \(4, 2\)'):
        overlay(
            np.zeros((4, 2, 3), np.uint8),
            np.zeros((2, 4), np.uint8),
            np.zeros((2, 4, 3), np.uint8),
        )
