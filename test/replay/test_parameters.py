from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from seg_perception.replay.parameters import NAMES, ParameterError, read_parameters
from seg_perception.resources import bundled_model, config_file
from test.tiny_model import tiny_contract


def test_defaults_are_those_of_the_node() -> None:
    node = yaml.safe_load(config_file('segmentation.param.yaml').read_text())
    values = node['/**']['ros__parameters']
    parameters = read_parameters(None, {})
    assert parameters.values == {name: values[name] for name in NAMES}
    assert parameters.model == bundled_model()
    assert parameters.view('camera', tiny_contract()).placement((100, 50)).output_size == (100, 50)


def test_a_file_of_the_node_and_what_is_given_count(tmp_path: Path) -> None:
    file = tmp_path / 'vehicle.yaml'
    file.write_text(
        '/**:\n'
        '  ros__parameters: {threads: 3, max_age: 2.0, front: {region: [0, 8, 64, 32]}}\n'
        '/vehicle/segmentation:\n'
        '  ros__parameters:\n'
        '    label_min_confidence: 1\n'
        '    front.output_size: network\n'
        '/other_node:\n'
        '  ros__parameters: {threads: 7}\n'
    )
    parameters = read_parameters(file, {'threads': '2', 'geometry': 'crop'})
    assert parameters.values['threads'] == 2
    assert parameters.values['label_min_confidence'] == 1.0
    front, rear = parameters.of('front'), parameters.of('rear')
    assert (front['region'], front['output_size']) == ([0, 8, 64, 32], 'network')
    assert (rear['region'], rear['output_size']) == ([0, 0, 0, 0], 'camera')
    assert front['geometry'] == 'crop'
    seen = parameters.view('front', tiny_contract()).placement((64, 48)).seen
    assert seen == (0, 8, 64, 32)
    assert read_parameters(file, {'output_size': '32x16'}).of('front')['output_size'] == '32x16'


def test_an_ego_mask_is_read(tmp_path: Path) -> None:
    path = tmp_path / 'ego.png'
    cv2.imwrite(str(path), np.eye(4, dtype=np.uint8))
    parameters = read_parameters(None, {'ego_mask': str(path)})
    from seg_perception.core.labels import load_label_set

    assert parameters.products('camera', load_label_set()) is not None
    missing = read_parameters(None, {'ego_mask': str(tmp_path / 'none.png')})
    with pytest.raises(ParameterError, match='ego_mask: expected a grey PNG'):
        missing.products('camera', load_label_set())


@pytest.mark.parametrize(
    ('name', 'text', 'expected'),
    [
        ('threads', 'many', "threads: expected a whole number, got 'many'"),
        ('label_min_confidence', '[]', r'label_min_confidence: expected a number, got \[\]'),
        ('region', '[1, 2]', r'region: expected 4 numbers, got \[1, 2\]'),
    ],
)
def test_a_value_of_another_kind_is_refused(name: str, text: str, expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        read_parameters(None, {name: text})


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"output_size: expected camera, network or .*'tiny'"):
        read_parameters(None, {'output_size': 'tiny'}).view('camera', tiny_contract())


@pytest.mark.parametrize('content', ['{', 'text', '/**: {other: 1}'])
def test_another_file_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / 'other.yaml'
    file.write_text(content)
    with pytest.raises(ParameterError, match='expected a parameter file of the node'):
        read_parameters(file, {})
