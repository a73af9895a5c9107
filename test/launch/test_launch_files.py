"""The launch files: their tables everywhere, and the real thing where launch_ros is installed."""

from __future__ import annotations

import ast
import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seg_perception.demo.graph import DemoOptions, Process, demo_processes
from seg_perception.ros.demo_monitor import PARAMETERS as MONITOR_PARAMETERS
from seg_perception.ros.scene_camera import PARAMETERS as CAMERA_PARAMETERS
from seg_perception.ros.settings import RULES
from test.tiny_model import write_tiny_model

LAUNCH = Path(__file__).parents[2] / 'launch'
FILES = sorted(LAUNCH.glob('*.launch.py'))

needs_launch = pytest.mark.skipif(
    importlib.util.find_spec('launch_ros') is None, reason='launch_ros is not installed'
)


def table(file: str, name: str) -> list[tuple[Any, ...]]:
    """Return a table of a launch file, types as their names, without importing it."""
    for statement in ast.parse((LAUNCH / file).read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            assert isinstance(statement.value, ast.Tuple)
            rows = [row for row in statement.value.elts if isinstance(row, ast.Tuple)]
            return [tuple(map(_literal, row.elts)) for row in rows]
    raise AssertionError(f'{file} has no {name}')


def _literal(node: ast.expr) -> object:
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def test_arguments_of_the_segmentation() -> None:
    arguments = table('segmentation.launch.py', 'ARGUMENTS')
    parameters = table('segmentation.launch.py', 'PARAMETERS')
    names = [row[0] for row in (*arguments, *parameters)]
    assert {'model', 'image', 'camera_info', 'transport', 'params_file'} <= set(names)
    assert {'namespace', 'autostart', 'use_sim_time', 'log_level', 'output_size'} <= set(names)
    assert len(names) == len(set(names))
    for name, kind, _ in parameters:
        assert RULES[name].kind.__name__ == kind
    for row in (*arguments, *parameters):
        assert str(row[-1]).endswith('.'), f'{row[0]} has no description'


def test_arguments_of_the_demo() -> None:
    arguments = table('demo.launch.py', 'ARGUMENTS')
    assert {name for name, _ in arguments} == DemoOptions.__annotations__.keys() - {'command'}


@pytest.mark.parametrize('process', demo_processes(DemoOptions()), ids=lambda process: process.name)
def test_the_demo_sets_parameters_that_exist(process: Process) -> None:
    rules = {
        'segmentation_node': RULES,
        'scene_camera': {rule.name: rule for rule in CAMERA_PARAMETERS},
        'demo_monitor': {rule.name: rule for rule in MONITOR_PARAMETERS},
    }[process.tool]
    for name, value in process.parameters.items():
        if not name.startswith('qos_overrides.'):
            assert rules[name].check(value) == value


@needs_launch
@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_a_launch_file_tells_its_arguments(file: Path) -> None:
    listing = _run_launch('show', file)
    status, text = listing.wait(60), _output(listing)
    assert status == 0, text
    assert 'model' in json.loads(text)


@needs_launch
def test_the_demo_runs_in_launch(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    output = tmp_path / 'output'
    options = {'model': model, 'output': output, 'frames': 10, 'width': 320, 'height': 192}
    process = _run_launch('run', LAUNCH / 'demo.launch.py', **options)
    status, text = process.wait(120), _output(process)
    assert status == 0, text
    summary = json.loads((output / 'summary.json').read_text())
    assert summary['frames_in'] == summary['frames_published'] == 10
    assert 'Traceback' not in text


@needs_launch
def test_the_segmentation_runs_in_launch_with_overrides(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    options = {'model': model, 'image': '/front/image', 'namespace': '/front', 'autostart': True}
    process = _run_launch('run', LAUNCH / 'segmentation.launch.py', **options)
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if 'segmenting the images of /front/image' in line:
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, ''.join(lines)
    assert any('process has finished cleanly' in line for line in lines)


@needs_launch
def test_several_cameras_are_launched_by_name(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    options = {'model': model, 'cameras': 'front,rear', 'image': '/{camera}/raw', 'autostart': True}
    process = _run_launch('run', LAUNCH / 'segmentation.launch.py', **options)
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if 'segmenting the images of /rear/raw' in line:
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, ''.join(lines)
    assert any('segmenting the images of /front/raw' in line for line in lines)


_LAUNCHER = """
import json, sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

source = PythonLaunchDescriptionSource(sys.argv[2])
if sys.argv[1] == 'show':
    description = source.try_get_launch_description_without_context()
    print(json.dumps([a.name for a in description.get_launch_arguments()]))
    raise SystemExit(0)
arguments = [argument.split(':=', 1) for argument in sys.argv[3:]]
service = LaunchService(noninteractive=True)
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
raise SystemExit(service.run())
"""


def _run_launch(mode: str, file: Path, **options: object) -> subprocess.Popen[str]:
    arguments = [f'{name}:={value}' for name, value in options.items()]
    return subprocess.Popen(
        [sys.executable, '-c', _LAUNCHER, mode, str(file), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _output(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read()
