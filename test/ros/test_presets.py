"""The parameter files for simulators: what a node of a name, in any namespace, takes from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from seg_perception.core.labels import load_label_set
from seg_perception.resources import config_file
from seg_perception.ros.score_node import PARAMETERS
from seg_perception.ros.settings import RULES
from seg_perception.sim.semantic_camera import TruthReader, load_truth_table

PRESETS = sorted(config_file('presets').glob('*.param.yaml'))
SCORE_RULES = {rule.name: rule for rule in PARAMETERS}


@pytest.fixture
def context() -> Iterator[Context]:
    context = Context()
    rclpy.init(args=[], context=context)
    yield context
    rclpy.shutdown(context=context)


def taken(context: Context, name: str, file: str) -> dict[str, object]:
    """Return the parameters that a node of that name takes from a preset."""
    node = Node(
        name,
        namespace='/some/vehicle',
        context=context,
        cli_args=['--ros-args', '--params-file', str(config_file(f'presets/{file}.param.yaml'))],
        automatically_declare_parameters_from_overrides=True,
        enable_logger_service=False,
    )
    names = {*RULES, *SCORE_RULES, 'use_sim_time'}
    found = {n: node.get_parameter(n).value for n in sorted(names) if node.has_parameter(n)}
    node.destroy_node()
    return found


def test_there_is_one_for_each_simulator() -> None:
    names = [path.name.removesuffix('.param.yaml') for path in PRESETS]
    assert names == ['awsim', 'carla', 'gazebo']


@pytest.mark.parametrize('name', ['awsim', 'carla', 'gazebo'])
def test_the_node_takes_what_is_meant_for_it(context: Context, name: str) -> None:
    found = taken(context, 'segmentation', name)
    assert found == {'use_sim_time': True, 'watchdog': 10.0}
    assert RULES['watchdog'].check(found['watchdog']) == 10.0


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('awsim', {'use_sim_time': False}),
        ('carla', {'use_sim_time': True, 'truth': 'carla', 'truth_pixels': 'color'}),
        ('gazebo', {'use_sim_time': True, 'truth': 'gazebo_example', 'truth_pixels': 'value'}),
    ],
)
def test_the_score_takes_what_is_meant_for_it(
    context: Context, name: str, expected: dict[str, object]
) -> None:
    found = taken(context, 'score', name)
    assert found == expected
    if 'truth' in expected:
        pixels = SCORE_RULES['truth_pixels'].check(expected['truth_pixels'])
        table = load_truth_table(str(expected['truth']), load_label_set())
        TruthReader(table, pixels)  # type: ignore[arg-type]
