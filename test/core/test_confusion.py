from __future__ import annotations

import numpy as np
import pytest

from seg_perception.core.confusion import Confusion, class_iou, mean_iou, pixel_accuracy


def image(*rows: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.array(rows, np.uint8)


def test_counts_are_as_made_by_hand() -> None:
    confusion = Confusion(3)
    first = confusion.add(image([0, 0, 1], [1, 2, 255]), image([0, 1, 1], [255, 7, 0]))
    np.testing.assert_array_equal(first, [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]])
    second = confusion.add(image([0, 2]), image([0, 0]))
    np.testing.assert_array_equal(second, [[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(confusion.counts, first + second)
    assert confusion.frames == 2
    # Class 0: 2 hits, 3 true, 3 predicted. Class 1: 1, 2, 2. Class 2: 0, 2, 0.
    assert confusion.iou() == pytest.approx([2 / 4, 1 / 3, 0])
    assert confusion.mean_iou() == pytest.approx((2 / 4 + 1 / 3) / 3)
    assert pixel_accuracy(confusion.counts) == pytest.approx(3 / 7)


def test_a_class_that_is_only_predicted_counts_with_nothing() -> None:
    confusion = Confusion(3)
    confusion.add(image([0, 0, 0, 0]), image([0, 0, 0, 2]))
    assert confusion.iou()[[0, 2]] == pytest.approx([3 / 4, 0])
    assert np.isnan(confusion.iou()[1])
    assert confusion.mean_iou() == pytest.approx(3 / 8)


def test_a_prediction_on_unlabelled_truth_is_nobodys() -> None:
    confusion = Confusion(2)
    confusion.add(image([255, 255, 2]), image([0, 1, 1]))
    assert confusion.counts.sum() == 0
    assert np.isnan(class_iou(confusion.counts)).all()
    assert mean_iou(confusion.iou()) is None
    assert pixel_accuracy(confusion.counts) is None


def test_images_of_more_pixels_than_a_float_counts() -> None:
    truth = np.zeros((4097, 4097), np.uint8)
    truth[-1, -1] = 1
    confusion = Confusion(2)
    confusion.add(truth, truth)
    np.testing.assert_array_equal(np.diag(confusion.counts), [4097 * 4097 - 1, 1])
