"""The score: official numbers, groupings, and agreement with IoU counted by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.confusion import class_iou
from seg_perception.core.labels import Grouping, Label, LabelSet, load_grouping, load_label_set
from seg_perception.core.segmenter import Segmenter
from seg_perception.inference.base import RunnerError
from seg_perception.inference.choice import create_runner
from seg_perception.models.dataset import CityscapesFolder, DatasetError
from seg_perception.models.evaluation.score import GroupScore, ScoredFrame, Scorer, evaluate, score
from seg_perception.models.evaluation.views import AveragingSegmenter
from test.models.conftest import write_frame
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


def test_groups_as_counted_by_hand(labels: LabelSet) -> None:
    road, car, sky, person = (labels.train_id(n) for n in ('road', 'car', 'sky', 'person'))
    truth = np.array([[road] * 6 + [car] * 2 + [255] * 2], np.uint8)
    prediction = np.array([[road] * 4 + [car] + [255] + [road, person] + [road] * 2], np.uint8)
    groups = score([(prediction, truth)], labels).groups
    # Labelled road: 4 of road and 1 of car; a person for a car is the right group all the same.
    assert groups['drivable'] == GroupScore(precision=4 / 5, recall=4 / 6)
    assert groups['obstacle'] == GroupScore(precision=1 / 2, recall=1 / 2)
    nothing = score([(np.full((1, 3), sky, np.uint8),) * 2], labels).groups
    assert nothing['drivable'] == GroupScore(None, None)


def test_a_grouping_keeps_the_groups_that_it_does_not_mix(labels: LabelSet) -> None:
    grouping = load_grouping('camvid11', labels)
    truth = np.full((1, 4), labels.train_id('bus'), np.uint8)
    prediction = np.array([[labels.train_id('car')] * 3 + [0]], np.uint8)
    groups = score([(prediction, truth)], labels, grouping).groups
    # camvid11 merges terrain, which is no obstacle, with vegetation, which is one.
    assert groups == {'drivable': GroupScore(0.0, None)}


def test_scores_need_no_scripts(labels: LabelSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cityscapesscripts', None)
    truth = np.zeros((1, 4), np.uint8)
    with Scorer(labels, scripts=False) as scorer:
        assert scorer.add(truth, truth) == 1
        result = scorer.score()
    assert (result.miou, result.official) == (1, False)


def test_random_labels_against_a_plain_count(labels: LabelSet) -> None:
    random = np.random.default_rng(5)
    pairs = [tuple(random.integers(0, 19, (2, 40, 50), np.uint8)) for _ in range(3)]
    result = score([(one, two) for one, two in pairs], labels)
    for train_id, name in enumerate(labels.names):
        both = sum(np.count_nonzero((p == train_id) & (t == train_id)) for p, t in pairs)
        either = sum(np.count_nonzero((p == train_id) | (t == train_id)) for p, t in pairs)
        assert result.class_iou[name] == pytest.approx(both / either)


@pytest.mark.parametrize('grouped', [False, True])
def test_the_own_count_is_the_official_one(labels: LabelSet, grouped: bool) -> None:
    grouping = load_grouping('camvid11', labels) if grouped else None
    pairs = noise(6, 19)
    # Some pixels have no class, and one class has no pixels.
    for prediction, truth in pairs:
        prediction[prediction == labels.train_id('bus')] = 255
        truth[truth == labels.train_id('bus')] = 255
    result = score(pairs, labels, grouping)
    assert result.official
    own = class_iou(result.confusion)
    for name, iou in zip(result.class_iou, own, strict=True):
        official = result.class_iou[name]
        assert official == iou or (official is None and np.isnan(iou))
    assert (None in result.class_iou.values()) == (not grouped)


def test_labels_that_the_official_scripts_do_not_know(labels: LabelSet) -> None:
    shifted = LabelSet(
        'shifted',
        tuple(Label(label.name, label.id + 100, label.color) for label in labels.labels),
        {},
    )
    pairs = noise(3, 19)
    known, own = score(pairs, labels), score(pairs, shifted)
    assert known.official
    assert not own.official
    assert own.class_iou == pytest.approx(known.class_iou)
    assert own.miou == pytest.approx(known.miou)
    assert own.pixel_accuracy == known.pixel_accuracy
    np.testing.assert_array_equal(own.confusion, known.confusion)


def test_all_classes_of_a_large_set_are_scored() -> None:
    coco = load_label_set('coco_panoptic')
    pairs = noise(2, len(coco.labels))
    result = score(pairs, coco)
    assert not result.official
    assert len(result.class_iou) == len(coco.labels)
    for train_id, name in enumerate(coco.names):
        both = sum(np.count_nonzero((p == train_id) & (t == train_id)) for p, t in pairs)
        either = sum(np.count_nonzero((p == train_id) | (t == train_id)) for p, t in pairs)
        assert result.class_iou[name] == pytest.approx(both / either)


def test_the_confusion_is_as_made_by_hand(labels: LabelSet) -> None:
    grouping = Grouping('two', ('ground', 'car'), np.full(256, 255, np.uint8))
    grouping.table[[0, 1]], grouping.table[13] = 0, 1
    truth = np.array([[0, 1, 1, 13, 13, 10, 255]], np.uint8)
    prediction = np.array([[1, 0, 13, 13, 10, 0, 0]], np.uint8)
    result = score([(prediction, truth), (truth, truth)], labels, grouping)
    np.testing.assert_array_equal(result.confusion, [[2 + 3, 1, 0], [0, 1 + 2, 1]])
    assert result.class_iou == pytest.approx({'ground': 5 / 6, 'car': 3 / 5})
    assert result.frame_miou == pytest.approx([(2 / 3 + 1 / 3) / 2, 1])


def test_a_frame_without_labels_has_no_score_of_its_own(labels: LabelSet) -> None:
    road, nothing = np.zeros((2, 3), np.uint8), np.full((2, 3), 255, np.uint8)
    with Scorer(labels) as scorer:
        assert scorer.add(road, nothing) is None
        assert scorer.add(road, road) == 1
        assert scorer.score().frame_miou == (None, 1)


def test_a_grouping_merges_before_scoring(labels: LabelSet) -> None:
    grouping = load_grouping('camvid11', labels)
    car, bus, train = (labels.train_id(name) for name in ('car', 'bus', 'train'))
    truth = np.array([[car, car, bus, labels.train_id('sky')]], np.uint8)
    prediction = np.array([[bus, train, car, labels.train_id('sky')]], np.uint8)
    result = score([(prediction, truth)], labels, grouping)
    assert list(result.class_iou) == list(grouping.classes)
    assert result.class_iou['car'] == 1
    assert result.miou == 1


def noise(count: int, classes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(7)
    images = random.integers(0, classes, (count, 2, 90, 110), np.uint8)
    return [(prediction, truth) for prediction, truth in images]


def test_frames_go_through_the_runner(street: Path, tmp_path: Path, labels: LabelSet) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(width=96, height=64))
    folder = CityscapesFolder(street, 'val', labels)
    seen: list[ScoredFrame] = []
    with create_runner('onnxruntime', model) as runner:
        result = evaluate(Segmenter(runner), folder, labels, watch=seen.append)
    assert result.frames == 4
    # Its logits are 8 pixels apart: between two colours up-sampling finds a third.
    assert (result.class_iou['road'] or 0) > 0.9
    assert (result.class_iou['sky'] or 0) > 0.8
    assert result.class_iou['wall'] == 0
    assert 0.85 < result.pixel_accuracy < 1
    assert [frame.name for frame in seen] == [f'town_{number:06d}_000019' for number in range(4)]
    assert [frame.miou for frame in seen] == list(result.frame_miou)
    np.testing.assert_array_equal(seen[2].image, folder.image(2))
    np.testing.assert_array_equal(seen[2].truth, folder.truth(2))
    assert (seen[2].prediction == seen[2].truth)[2:].mean() > 0.85


def test_a_frame_that_the_model_fails_on_is_named(
    street: Path, tmp_path: Path, labels: LabelSet
) -> None:
    contract = tiny_contract(width=96, height=64)
    model = write_tiny_model(tmp_path / 'tiny.onnx', contract, offset=float('nan'))
    folder = CityscapesFolder(street, 'val', labels)
    with create_runner('onnxruntime', model) as runner:
        for labeller in (Segmenter(runner), AveragingSegmenter(runner)):
            with pytest.raises(RunnerError, match=r'town_000000_000019_left.*: logits: expected'):
                evaluate(labeller, folder, labels)


def test_a_folder_without_any_label_of_the_set_is_refused(tmp_path: Path, labels: LabelSet) -> None:
    write_frame(tmp_path, 'val', 'a', np.full((64, 96), 255, np.uint8), labels=labels)
    model = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(width=96, height=64))
    folder = CityscapesFolder(tmp_path, 'val', labels)
    with (
        create_runner('onnxruntime', model) as runner,
        pytest.raises(
            DatasetError, match=r'expected labels of the set cityscapes in split val, got 1 frames'
        ),
    ):
        evaluate(Segmenter(runner), folder, labels)
