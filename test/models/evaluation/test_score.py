"""The score: official numbers, groupings, and agreement with IoU counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.labels import LabelSet, load_grouping
from seg_perception.core.segmenter import Segmenter
from seg_perception.inference.choice import create_runner
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.models.evaluation.score import evaluate, score
from test.tiny_model import tiny_contract, write_tiny_model


def test_iou_as_counted_by_hand(labels: LabelSet) -> None:
    road, car, sky = (labels.train_id(name) for name in ('road', 'car', 'sky'))
    truth = np.array([[road] * 6 + [car] * 2 + [255] * 2], np.uint8)
    prediction = np.array([[road] * 5 + [car] * 2 + [sky] + [car] * 2], np.uint8)
    result = score([(prediction, truth)], labels)
    # car: 1 right, 1 of road taken; the two unlabelled pixels count for nobody.
    assert result.class_iou['road'] == pytest.approx(5 / 6)
    assert result.class_iou['car'] == pytest.approx(1 / 3)
    assert result.class_iou['sky'] == 0
    assert result.class_iou['bus'] is None
    assert result.miou == pytest.approx((5 / 6 + 1 / 3 + 0) / 3)
    assert result.pixel_accuracy == pytest.approx(6 / 8)
    assert result.frames == 1


def test_an_unlabelled_prediction_is_an_error(labels: LabelSet) -> None:
    truth = np.zeros((1, 4), np.uint8)
    prediction = np.array([[0, 0, 0, 255]], np.uint8)
    result = score([(prediction, truth)], labels)
    assert result.class_iou['road'] == pytest.approx(3 / 4)
    assert result.pixel_accuracy == pytest.approx(3 / 4)


def test_random_labels_against_a_plain_count(labels: LabelSet) -> None:
    random = np.random.default_rng(5)
    pairs = [tuple(random.integers(0, 19, (2, 40, 50), np.uint8)) for _ in range(3)]
    result = score([(one, two) for one, two in pairs], labels)
    for train_id, name in enumerate(labels.names):
        both = sum(np.count_nonzero((p == train_id) & (t == train_id)) for p, t in pairs)
        either = sum(np.count_nonzero((p == train_id) | (t == train_id)) for p, t in pairs)
        assert result.class_iou[name] == pytest.approx(both / either)


def test_a_grouping_merges_before_scoring(labels: LabelSet) -> None:
    grouping = load_grouping('camvid11', labels)
    car, bus, train = (labels.train_id(name) for name in ('car', 'bus', 'train'))
    truth = np.array([[car, car, bus, labels.train_id('sky')]], np.uint8)
    prediction = np.array([[bus, train, car, labels.train_id('sky')]], np.uint8)
    result = score([(prediction, truth)], labels, grouping)
    assert list(result.class_iou) == list(grouping.classes)
    assert result.class_iou['car'] == 1
    assert result.miou == 1


def test_frames_go_through_the_runner(street: Path, tmp_path: Path, labels: LabelSet) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(width=96, height=64))
    folder = CityscapesFolder(street, 'val', labels)
    with create_runner('onnxruntime', model) as runner:
        result = evaluate(Segmenter(runner), folder, labels)
    assert result.frames == 4
    # Its logits are 8 pixels apart: between two colours up-sampling finds a third.
    assert (result.class_iou['road'] or 0) > 0.9
    assert (result.class_iou['sky'] or 0) > 0.8
    assert result.class_iou['wall'] == 0
    assert 0.85 < result.pixel_accuracy < 1
