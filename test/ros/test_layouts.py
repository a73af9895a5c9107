"""The layouts for Foxglove and rviz: whole, and of topics and fields that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seg_perception.msg import FrameReport, Score
from seg_perception.resources import config_file
from seg_perception.ros.ground_outputs import OF_ALL_CAMERAS
from seg_perception.ros.publishers import OFFERED

LAYOUT: dict[str, Any] = json.loads(config_file('foxglove/segmentation.json').read_text())
RVIZ: dict[str, Any] = yaml.safe_load(config_file('rviz/segmentation.rviz').read_text())

PANELS = {'Image', '3D', 'Plot', 'RawMessages', 'DiagnosticSummary', 'DiagnosticStatusPanel'}
PARAMETERS = yaml.safe_load(config_file('segmentation.param.yaml').read_text())
BASE_FRAME = PARAMETERS['/**']['ros__parameters']['base_frame']
OUTPUTS = {f'/segmentation/{name}' for name in (*OFFERED, *OF_ALL_CAMERAS)}
TOPICS = {*OUTPUTS, '/camera/image_raw', '/diagnostics', '/score/score'}
MESSAGES = {'/segmentation/report': FrameReport, '/score/score': Score}


def panels(node: Any) -> Iterator[str]:
    """Yield the panels of a layout's tree, which has rows and columns of two each."""
    if isinstance(node, str):
        yield node
        return
    assert node.keys() == {'first', 'second', 'direction', 'splitPercentage'}
    assert node['direction'] in ('row', 'column')
    assert 0 < node['splitPercentage'] < 100
    yield from panels(node['first'])
    yield from panels(node['second'])


def test_every_panel_of_the_foxglove_layout_is_shown_once_and_known() -> None:
    assert LAYOUT.keys() == {
        'configById',
        'globalVariables',
        'userNodes',
        'playbackConfig',
        'layout',
    }
    shown = list(panels(LAYOUT['layout']))
    assert sorted(shown) == sorted(LAYOUT['configById'])
    assert {panel.partition('!')[0] for panel in shown} == PANELS


def test_foxglove_shows_topics_and_fields_that_there_are() -> None:
    for panel, config in LAYOUT['configById'].items():
        kind = panel.partition('!')[0]
        if kind == 'Image':
            assert config['imageMode']['imageTopic'] in TOPICS
        elif kind == '3D':
            assert config['topics'].keys() <= TOPICS
            assert config['followTf'] == BASE_FRAME
        elif kind == 'Plot':
            for path in config['paths']:
                ((topic, field),) = re.findall(r'^(/[\w/]+)\.(\w+)$', path['value'])
                assert field in MESSAGES[topic].get_fields_and_field_types()
        elif kind == 'RawMessages':
            assert config['topicPath'] in TOPICS
        else:
            assert config['topicToRender'] == '/diagnostics'
        # A status is found by its hardware first, which is the camera's topic.
        if kind == 'DiagnosticStatusPanel':
            assert config['selectedHardwareId'] == '/camera/image_raw'


@pytest.mark.parametrize('display', RVIZ['Visualization Manager']['Displays'])
def test_rviz_shows_topics_that_there_are(display: dict[str, Any]) -> None:
    assert display['Topic']['Value'] in TOPICS
    # Best effort matches every camera, however it publishes.
    assert display['Topic']['Reliability Policy'] == 'Best Effort'
    assert display['Name'].lower().replace(' ', '_') in display['Topic']['Value']


def test_rviz_shows_pictures_and_the_ground_in_the_frame_that_it_is_told_in() -> None:
    manager = RVIZ['Visualization Manager']
    shown = [display['Class'].rpartition('/')[2] for display in manager['Displays']]
    assert shown == ['Image'] * 7 + ['Map', 'PointCloud2']
    assert manager['Global Options']['Fixed Frame'] == BASE_FRAME
