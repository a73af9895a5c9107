from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from seg_perception.planner import check
from seg_perception.planner.cost import planner_cost
from test.pages import Page


def test_two_streets_with_true_labels_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ['--scenes', '2', '--frames', '1', '--no-model', '--output', str(tmp_path)]
    assert check.main(arguments) == 0
    summary = json.loads((tmp_path / check.SUMMARY).read_text())
    assert summary['passed'] is True
    assert summary['frames'] == 2
    assert summary['command'].startswith('python3 -m seg_perception planner_check --scenes 2')
    source = summary['sources'][check.TRUE]
    assert source['range_error']['median'] <= summary['limits']['median_range_error'] == 0.03
    assert source['grid']['free_but_occupied'] <= summary['limits']['free_but_occupied'] == 0.005
    assert 0 < summary['cost_ms']['median'] <= summary['cost_ms']['p95']
    assert 'true labels\n  range error  median ' in capsys.readouterr().out
    page = Page((tmp_path / check.PAGE).read_text())
    pictures = [shown[check.TRUE] for shown in summary['pictures']]
    assert len(pictures) == 2
    assert set(pictures) <= set(page.links)
    for picture in pictures:
        image = cv2.imread(str(tmp_path / picture))
        assert image is not None
        assert image.shape == (400, 640 + 300, 3)


def test_a_model_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ['--model', str(tmp_path / 'none.onnx'), '--output', str(tmp_path)]
    assert check.main(arguments) == 1
    assert capsys.readouterr().err.startswith('planner_check: ')


def test_the_cost_of_a_small_grid() -> None:
    cost = planner_cost((160, 90), frames=3)
    assert 0 < cost['median'] <= cost['p95'] < cost['tables'] + 1e3
