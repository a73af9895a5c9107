"""`model evaluate` as a person uses it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_perception.core.labels import LabelSet
from seg_perception.inference.choice import read_contract
from seg_perception.models.cli import main
from seg_perception.models.evaluation.report import file_sha256
from test.models.conftest import write_frame
from test.pages import Page
from test.tiny_model import tiny_contract, write_tiny_model


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(width=96, height=64))


def evaluated(out: Path, *words: str) -> dict[str, Any]:
    path = out / 'score.json'
    assert main(['evaluate', *words, '--json', str(path)]) == 0
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_evaluate_writes_the_agreed_keys(tiny: Path, street: Path, tmp_path: Path) -> None:
    words = ['--model', str(tiny), '--dataset', str(street), '--grouping', 'camvid11']
    score = evaluated(tmp_path, *words)
    assert {'miou', 'class_iou', 'pixel_accuracy', 'frames'} <= set(score)
    assert score['frames'] == 4
    assert len(score['class_iou']) == 11
    assert score['class_iou']['road'] > 0.9
    assert score['class_iou']['pedestrian'] is None
    found = [iou for iou in score['class_iou'].values() if iou is not None]
    assert score['miou'] == pytest.approx(sum(found) / len(found))
    assert score['metric'].startswith('cityscapesscripts 2')
    assert score['model_sha256'] == file_sha256(tiny)
    assert np.array(score['confusion']['pixels']).shape == (11, 12)
    assert shlex.split(score['command'])[5:] == [*words[:4], '--split', 'val', *words[4:]]


def test_the_page_shows_as_many_frames_as_wanted(tiny: Path, street: Path, tmp_path: Path) -> None:
    words = ['--model', str(tiny), '--dataset', str(street), '--html', str(tmp_path / 'page.html')]
    score = evaluated(tmp_path, *words, '--worst', '2')
    page = Page((tmp_path / 'page.html').read_text())
    assert len(page.links) == 2 * 4
    assert f'{score["miou"]:.4f}' in page.texts
    lowest = min(score['frame_miou'], key=lambda entry: float(entry['miou']))
    assert lowest['frame'] in page.texts
    assert shlex.split(score['command'])[-2:] == ['--split', 'val']


def test_windows_and_mirrors_of_a_model_that_sees_colours(street: Path, tmp_path: Path) -> None:
    """Without resizing its labels are right; where pixels are mixed some are not."""
    contract = tiny_contract(width=40, height=32, stride=1)
    model = write_tiny_model(tmp_path / 'pixels.onnx', contract)
    words = ['--model', str(model), '--dataset', str(street)]
    sliding = evaluated(tmp_path, *words, '--sliding', '--flip')
    assert sliding['miou'] == 1
    assert sliding['windows'] == {'crop': [40, 32], 'stride': [27, 22]}
    assert sliding['flip'] is True
    assert shlex.split(sliding['command'])[-2:] == ['--sliding', '--flip']
    other = evaluated(tmp_path, *words, '--sliding', '--crop', '80', '64', '--stride', '80', '9')
    assert other['windows'] == {'crop': [80, 64], 'stride': [80, 9]}
    assert 0.9 < other['pixel_accuracy'] < 1
    whole = evaluated(tmp_path, *words)
    assert whole['windows'] is whole['mean_of'] is None
    assert sliding['mean_of'] == 'logits'
    assert 0.9 < whole['pixel_accuracy'] < 1


def test_record_writes_accuracy_into_the_file(tiny: Path, street: Path) -> None:
    words = ['--dataset', str(street), '--split', 'val']
    views = ['--sliding', '--flip', '--crop', '96', '64', '--stride', '48', '32']
    views += ['--mean', 'probabilities']
    call = ['evaluate', '--model', str(tiny), *words, '--record']
    assert main([*call, 'the street']) == 0
    assert main([*call, 'the street']) == 0
    assert main([*call, 'in windows', *views]) == 0
    entries = {entry.dataset: entry for entry in read_contract(tiny).accuracy}
    assert list(entries) == ['its own colours', 'the street', 'in windows']
    command = shlex.split(entries['the street'].command)
    assert command[:5] == ['python3', '-m', 'seg_perception', 'model', 'evaluate']
    assert command[5:] == words
    assert shlex.split(entries['in windows'].command)[5:] == words + views
    assert 0 < entries['the street'].miou < 1


def test_a_recorded_command_names_labels_and_annotation(tmp_path: Path, labels: LabelSet) -> None:
    truth = np.full((64, 96), labels.train_id('road'), np.uint8)
    write_frame(tmp_path, 'val', 'a', truth, labels=labels, annotation='gtCoarse')
    model = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(width=96, height=64))
    words = ['--dataset', str(tmp_path), '--split', 'val', '--annotation', 'gtCoarse']
    assert main(['evaluate', '--model', str(model), *words, '--record', 'coarse']) == 0
    entry = read_contract(model).accuracy[-1]
    assert shlex.split(entry.command)[5:] == words
    assert entry.miou == 1


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (['--dataset', 'nowhere'], 'no frames in nowhere: expected leftImg8bit/val/'),
        (['--dataset', '.', '--grouping', 'camvid12'], 'no label file of the name'),
        (['--dataset', '.', '--label-set', 'camvid11'], 'is not a label set'),
        (['--dataset', '.', '--json', 'no/such/folder.json'], '--json: expected a file in a'),
        (['--dataset', '.', '--html', '.'], '--html: expected a file in a folder'),
        (['--dataset', '.', '--crop', '9', '9'], '--crop: expected --sliding beside it'),
        (['--dataset', '.', '--mean', 'probabilities'], 'expected --sliding or --flip beside it'),
        (['--dataset', '.', '--worst', '-1'], '--worst: expected 0 frames or more, got -1'),
    ],
)
def test_what_is_wrong_is_one_line(
    tiny: Path, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['evaluate', '--model', str(tiny), *words]) == 1
    printed = capsys.readouterr().err
    assert reason in printed
    assert printed.count('\n') == 1


def test_windows_with_gaps_are_one_line(
    tiny: Path, street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--sliding', '--crop', '9', '9', '--stride', '10', '9']
    assert main(['evaluate', '--model', str(tiny), '--dataset', str(street), *words]) == 1
    assert 'stride: expected a step of 1 pixel up to the window of 9x9' in capsys.readouterr().err
