from __future__ import annotations

import pytest

from seg_perception.ros.container import Component, parse
from seg_perception.ros.process import ArgumentsError


def test_arguments_belong_to_the_node_before_them() -> None:
    line = (
        '--log-level warn scene_camera segmentation_node -r __ns:=/front -p model:=scene_camera '
        'segmentation_node --ros-args -r __node:=rear'
    )
    assert parse(line.split()) == (
        ['--ros-args', '--log-level', 'warn'],
        [
            Component('scene_camera', []),
            Component(
                'segmentation_node',
                ['--ros-args', '-r', '__ns:=/front', '-p', 'model:=scene_camera'],
            ),
            Component('segmentation_node', ['--ros-args', '-r', '__node:=rear']),
        ],
    )


@pytest.mark.parametrize('arguments', [[], ['segmentation-node', '-r', '__ns:=/front']])
def test_without_a_node_there_is_nothing_to_contain(arguments: list[str]) -> None:
    with pytest.raises(ArgumentsError, match='one node or more of segmentation_node, scene_camera'):
        parse(arguments)
