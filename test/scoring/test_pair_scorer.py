"""A score that grows with each pair, and what it makes of images that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.encodings import ImageError, RawImage
from seg_perception.core.labels import LabelError, load_label_set
from seg_perception.models.evaluation.score import score
from seg_perception.scoring.pair_scorer import PairScorer, ScoredPair, ScoreOptions
from test.pages import Page

LABELS = load_label_set()


def mono(label: object) -> RawImage:
    planes = np.array(label, np.uint8)
    return RawImage('mono8', planes.shape[1], planes.shape[0], planes)


def test_pairs_are_scored_as_model_evaluate_scores_them() -> None:
    rng = np.random.default_rng(2)
    scorer = PairScorer(ScoreOptions())
    pairs = [tuple(rng.integers(0, 20, (2, 12, 16), np.uint8)) for _ in range(5)]
    for stamp, (prediction, truth) in enumerate(pairs):
        assert scorer.add_truth(stamp, mono(truth)) is None
        scored = scorer.add_prediction(stamp, mono(np.where(prediction == 19, 255, prediction)))
        assert scored is not None
        assert scored.stamp == stamp
    expected = score(
        [
            (np.where(p == 19, 255, p).astype(np.uint8), np.where(t == 19, 255, t).astype(np.uint8))
            for p, t in pairs
        ],
        LABELS,
    )
    found = scorer.score()
    np.testing.assert_array_equal(found.confusion, expected.confusion)
    assert found.miou == pytest.approx(expected.miou, abs=1e-12)
    assert found.frame_miou == pytest.approx(expected.frame_miou)
    assert found.groups == expected.groups
    assert scorer.counts == {
        'matched': 5,
        'prediction_alone': 0,
        'truth_alone': 0,
        'late': 0,
        'repeated': 0,
        'waiting': 0,
        'unusable': 0,
        'unknown_pixels': sum(int((t == 19).sum()) for _, t in pairs),
    }


def test_labels_at_the_network_size_are_scored_at_the_truths() -> None:
    scorer = PairScorer(ScoreOptions())
    scorer.add_truth(1, mono([[0, 0, 13, 13]] * 2))
    assert scorer.add_prediction(1, mono([[0, 13]])) == ScoredPair(1, 1.0)


def test_images_that_cannot_be_used_are_refused_and_counted() -> None:
    scorer = PairScorer(ScoreOptions())
    with pytest.raises(ImageError, match='expected mono8, got bgr8'):
        scorer.add_prediction(1, RawImage('bgr8', 2, 2, np.zeros((2, 2, 3), np.uint8)))
    scorer.add_truth(2, mono(np.zeros((20, 40))))
    with pytest.raises(ImageError, match='40x20: expected the same aspect'):
        scorer.add_prediction(2, mono(np.zeros((20, 30))))
    assert scorer.counts['unusable'] == 2
    assert scorer.score().frames == 0


def test_a_prediction_outlives_the_message_that_brought_it() -> None:
    scorer = PairScorer(ScoreOptions())
    memory = np.zeros((1, 4), np.uint8)
    scorer.add_prediction(1, RawImage('mono8', 4, 1, memory))
    memory[:] = 13
    assert scorer.add_truth(1, mono(np.zeros((1, 4)))) == ScoredPair(1, 1.0)


def test_truth_of_a_simulator_is_read_by_its_table_and_grouping() -> None:
    options = ScoreOptions(truth='carla_0.9.13', grouping='carla_0.9.13')
    scorer = PairScorer(options)
    # Roads and vehicles, of which one is a truck; one number is in no table.
    bgra = np.zeros((1, 4, 4), np.uint8)
    bgra[0, :, 2] = [7, 10, 10, 99]
    scorer.add_truth(1, RawImage('bgra8', 4, 1, bgra))
    truck = LABELS.train_id('truck')
    assert scorer.add_prediction(1, mono([[0, truck, 13, 0]])) == ScoredPair(1, 1.0)
    assert scorer.counts['unknown_pixels'] == 1


def test_the_files_are_those_of_an_evaluation(tmp_path: Path) -> None:
    scorer = PairScorer(ScoreOptions(worst=1))
    for stamp, label in ((1_500_000_000, 0), (2_000_000_007, 1)):
        scorer.add_truth(stamp, mono(np.zeros((4, 4))))
        scorer.add_prediction(stamp, mono(np.full((4, 4), label)))
    scorer.add_truth(3, mono(np.zeros((4, 4))))
    scorer.finish()
    report = scorer.report(
        prediction='/seg/label', truth='/truth', dataset='a bag', command='score', model='m'
    )
    scorer.write(report, tmp_path / 'score.json', tmp_path / 'score.html')
    found = json.loads((tmp_path / 'score.json').read_text())
    assert found['miou'] == pytest.approx(0.25)
    assert found['groups']['drivable'] == {'precision': 1.0, 'recall': 0.5}
    assert [frame['frame'] for frame in found['frame_miou']] == ['1.500000000', '2.000000007']
    assert found['matching']['table'] == 'train_ids (value)'
    assert found['matching']['counts']['matched'] == 2
    assert found['matching']['counts']['truth_alone'] == 1
    shown = Page((tmp_path / 'score.html').read_text())
    assert 'a bag: /seg/label against /truth' in shown.texts
    assert '2.000000007' in shown.texts
    assert len(shown.links) == 3


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (ScoreOptions(label_set='nowhere'), 'no label file'),
        (ScoreOptions(grouping='nowhere'), 'no label file'),
        (ScoreOptions(truth='nowhere'), 'no truth table'),
        (ScoreOptions(truth='gazebo_example', truth_pixels='color'), 'no color'),
    ],
)
def test_what_it_cannot_score_by_is_refused(options: ScoreOptions, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        PairScorer(options)
