from __future__ import annotations

import numpy as np
import pytest

from seg_perception.demo.score import LabelScore


def image(*rows: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.array(rows, np.uint8)


def test_iou_is_hits_over_union_summed_over_frames() -> None:
    score = LabelScore(3)
    score.add(image([0, 0, 1, 1]), image([0, 1, 1, 1]))
    score.add(image([0, 0, 0, 0]), image([0, 0, 1, 0]))
    # Class 0: 4 hits, 6 true, 4 predicted. Class 1: 2 hits, 2 true, 4 predicted.
    assert score.iou()[:2] == pytest.approx([4 / 6, 2 / 4])
    assert np.isnan(score.iou()[2])
    assert score.mean_iou() == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert score.frames == 2


def test_unlabelled_truth_is_left_out_and_unlabelled_prediction_is_a_miss() -> None:
    score = LabelScore(2)
    score.add(image([0, 0, 255, 1]), image([0, 255, 1, 1]))
    assert score.iou() == pytest.approx([1 / 2, 1.0])


def test_a_class_that_is_only_predicted_lowers_others_and_has_no_iou() -> None:
    score = LabelScore(3)
    score.add(image([0, 0, 0, 0]), image([0, 0, 0, 2]))
    assert score.iou()[0] == pytest.approx(3 / 4)
    assert np.isnan(score.iou()[2])


def test_without_truth_there_is_no_mean() -> None:
    score = LabelScore(3)
    assert score.mean_iou() is None
    score.add(image([255, 255]), image([0, 1]))
    assert score.mean_iou() is None


def test_254_classes_fit() -> None:
    score = LabelScore(254)
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    score.add(every, every)
    assert score.mean_iou() == 1.0


def test_images_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r'expected a label image of shape \(1, 2\), got \(2, 1\)'):
        LabelScore(2).add(image([0, 1]), image([0], [1]))
