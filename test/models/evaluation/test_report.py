"""What an evaluation leaves: JSON and a page."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_perception.core.labels import Label, LabelSet
from seg_perception.models.evaluation.page import render_page
from seg_perception.models.evaluation.report import Matching, Report, environment, file_sha256
from seg_perception.models.evaluation.score import ScoredFrame, Scorer
from seg_perception.models.evaluation.views import Windows
from seg_perception.models.evaluation.worst import WorstFrames
from test.pages import Page
from test.tiny_model import tiny_contract

EVIL = '<script>alert("1")</script>'
LABELS = LabelSet(
    'evil',
    (Label(EVIL, 101, (1, 2, 3)), Label('b & c', 102, (4, 5, 6)), Label('absent', 103, (7, 8, 9))),
    {'drivable': frozenset({1}), 'sought': frozenset({2})},
)
TRUTH = np.array([[0] * 200 + [1] * 100 + [255] * 50], np.uint8)
PREDICTION = np.array([[0] * 150 + [1] * 49 + [255] + [1] * 75 + [0] * 25 + [0] * 50], np.uint8)


def report(**facts: Any) -> Report:
    with Scorer(LABELS) as scorer:
        scorer.add(PREDICTION, TRUTH)
        scorer.add(TRUTH, TRUTH)
        scorer.add(TRUTH, np.full(TRUTH.shape, 255, np.uint8))
        score = scorer.score()
    return replace(
        Report(
            score=score,
            frame_names=['one', 'two', 'three'],
            model=EVIL,
            contract=replace(tiny_contract(labels=LABELS.labels), name=EVIL, trained_on=EVIL),
            sha256='ab' * 32,
            backend='onnxruntime',
            dataset=EVIL,
            split='val',
            label_set=LABELS.name,
            grouping=None,
            windows=None,
            flip=False,
            mean=None,
            command=f'evaluate --dataset {EVIL}',
        ),
        **facts,
    )


def page(shown: Report) -> str:
    worst = WorstFrames(2, LABELS)
    image = np.zeros((*TRUTH.shape, 3), np.uint8)
    worst.add(ScoredFrame(EVIL, image, PREDICTION, TRUTH, 0.6125))
    return render_page(shown, worst.frames(), LABELS)


def test_json_has_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / 'score.json'
    report(windows=Windows((8, 6), (4, 3)), flip=True).write(path)
    found = json.loads(path.read_text())
    assert found['confusion']['pixels'] == [[350, 49, 0, 1], [25, 175, 0, 0], [0, 0, 0, 0]]
    ious = [350 / 425, 175 / 249]
    assert found['class_iou'] == pytest.approx({EVIL: ious[0], 'b & c': ious[1], 'absent': None})
    assert found['miou'] == pytest.approx(sum(ious) / 2)
    assert found['pixel_accuracy'] == pytest.approx(525 / 600)
    assert found['frames'] == 3
    assert [entry['frame'] for entry in found['frame_miou']] == ['one', 'two', 'three']
    assert [entry['miou'] for entry in found['frame_miou']] == [
        pytest.approx((150 / 225 + 75 / 149) / 2),
        1,
        None,
    ]
    assert found['groups'] == {
        'drivable': {'precision': pytest.approx(175 / 224), 'recall': pytest.approx(175 / 200)},
        'sought': {'precision': None, 'recall': None},
    }
    assert found['matching'] is None
    assert found['windows'] == {'crop': [8, 6], 'stride': [4, 3]}
    assert found['flip'] is True
    assert found['metric'] == 'the definition of cityscapesscripts'
    assert found['model_sha256'] == 'ab' * 32
    assert found['environment'] == environment()
    assert {'machine', 'python', 'numpy', 'opencv'} <= set(found['environment'])


def test_a_number_that_there_is_none_of_is_null() -> None:
    with Scorer(LABELS) as scorer:
        score = scorer.score()
    found = report(score=score, frame_names=[]).to_json()
    assert found['miou'] is None
    assert found['pixel_accuracy'] is None
    json.dumps(found, allow_nan=False)


def test_the_sha256_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    path.write_bytes(bytes(range(256)) * 8192)
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_page_has_the_numbers() -> None:
    html = page(report())
    shown = Page(html)
    assert '<b>0.7632</b><span>mean IoU</span>' in html
    assert '<b>0.8750</b><span>pixel accuracy</span>' in html
    assert '<b>0.7812</b><span>drivable precision</span>' in html
    assert '<b>–</b><span>sought recall</span>' in html
    assert [text for text in shown.texts if text in ('0.824', '0.703')] == ['0.824', '0.703']
    # The confusion: rows in percent of the truth, with the pixels on hover.
    assert f'{EVIL} labelled {EVIL}: 87.50%, 350 pixels' in shown.hovers
    assert f'{EVIL} labelled b & c: 12.25%, 49 pixels' in shown.hovers
    assert f'{EVIL} labelled (none of these): 0.25%, 1 pixels' in shown.hovers
    assert f'b & c labelled {EVIL}: 12.50%, 25 pixels' in shown.hovers
    assert [text for text in shown.texts if text in ('88', '12', '·')] == [
        '88',
        '12',
        '·',
        '12',
        '88',
    ]
    # A class that does not occur has no row and no column, and no bar.
    assert shown.texts.count('absent') == 1
    assert 'mean IoU 0.613' in shown.texts or 'mean IoU 0.612' in shown.texts


def test_the_page_is_well_formed_escaped_and_loads_nothing() -> None:
    html = page(report())
    shown = Page(html)
    assert 'script' not in shown.tags
    assert '<script' not in html
    assert shown.texts.count(EVIL) >= 5
    assert '://' not in html
    assert len(shown.links) == 4
    assert all(link.startswith('data:image/') for link in shown.links)


@pytest.mark.parametrize(
    ('facts', 'words'),
    [
        ({}, 'the whole image'),
        ({'flip': True}, 'the whole image, each with its mirror'),
        (
            {'windows': Windows((769, 713), (513, 476))},
            'windows of 769 × 713 pixels every 513 × 476',
        ),
    ],
)
def test_the_page_says_how(facts: dict[str, Any], words: str) -> None:
    assert words in Page(page(report(**facts))).texts


def test_the_page_of_no_frames_has_no_pictures() -> None:
    html = render_page(report(), [], LABELS)
    assert Page(html).links == []
    assert 'Worst frames' not in html


def test_labels_of_a_recording_are_reported_without_a_model_file() -> None:
    matching = Matching('/seg/label', '/truth', EVIL, {'matched': 3, 'truth_only': 1234})
    shown = report(model='', contract=None, sha256=None, split='', matching=matching)
    html = render_page(shown, [], LABELS)
    texts = Page(html).texts
    assert f'{EVIL}: /seg/label against /truth' in texts
    assert f'/truth as {EVIL}' in texts
    assert texts[texts.index('truth only') + 1] == '1,234'
    assert 'Labels' in texts
    assert 'licence' not in texts
    found = shown.to_json()
    assert found['matching']['counts'] == {'matched': 3, 'truth_only': 1234}
    assert (found['model'], found['model_sha256'], found['split']) == ('', None, '')
