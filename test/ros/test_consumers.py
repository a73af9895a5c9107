"""The configurations of consumers name topics, classes and qualities of service that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from seg_perception.core.labels import load_label_set
from seg_perception.ros import qos
from seg_perception.ros.ground_outputs import DRIVABLE_GRID, OF_ALL_CAMERAS, SCAN
from seg_perception.ros.label_info import TOPIC
from seg_perception.ros.publishers import OFFERED

FOLDER = Path(__file__).parents[2] / 'config' / 'consumers'
FILES = sorted(FOLDER.glob('*.yaml'))
LABELS = load_label_set()


def load(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding='utf-8'))


def costmap(name: str) -> dict[str, Any]:
    parameters = load(name)['local_costmap']['local_costmap']['ros__parameters']
    assert isinstance(parameters, dict)
    return parameters


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_topics_exist(file: Path) -> None:
    named = set(re.findall(r'/segmentation/([a-z_/]+[a-z_])', file.read_text(encoding='utf-8')))
    assert named
    assert named <= {*OFFERED, *OF_ALL_CAMERAS, TOPIC.removeprefix('~/')}


@pytest.mark.parametrize('name', ['nav2_costmap.yaml', 'nav2_semantic_layer.yaml'])
def test_plugins_are_configured(name: str) -> None:
    parameters = costmap(name)
    for plugin in parameters['plugins']:
        assert '::' in parameters[plugin]['plugin']


def test_the_costmap_takes_the_scan_and_the_grid_as_they_are_published() -> None:
    parameters = costmap('nav2_costmap.yaml')
    scan = parameters['free_space_layer']['camera']
    assert scan['topic'].endswith(SCAN)
    assert scan['inf_is_valid']
    grid = parameters['drivable_layer']
    assert grid['map_topic'].endswith(DRIVABLE_GRID)
    latched = qos.RESULT.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert grid['map_subscribe_transient_local'] == latched


def test_every_class_has_a_cost_in_the_semantic_layer() -> None:
    camera = costmap('nav2_semantic_layer.yaml')['semantic_layer']['camera']
    costs = {name for kind in camera['class_types'] for name in camera[kind]['classes']}
    assert costs == {*LABELS.names, 'unlabelled'} - {'sky'}
    drivable = {LABELS.train_id(name) for name in camera['drivable']['classes']}
    assert drivable == LABELS.groups['drivable']
    # The layer needs the classes before the first mask.
    assert qos.LATCHED.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert qos.LATCHED.reliability == ReliabilityPolicy.RELIABLE


def test_the_fusion_has_an_entry_for_each_class() -> None:
    text = (FOLDER / 'autoware_fusion.param.yaml').read_text(encoding='utf-8')
    targets = load('autoware_fusion.param.yaml')['/**']['ros__parameters']
    named = re.findall(r'(?:true|false)[,\]]\s+# (.+)', text)
    assert tuple(named) == LABELS.names
    kept = [
        n
        for n, gone in zip(named, targets['filter_semantic_label_target'], strict=True)
        if not gone
    ]
    assert set(kept) <= {LABELS.names[i] for i in LABELS.groups['obstacle']}
