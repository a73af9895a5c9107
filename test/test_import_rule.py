"""Who may know whom: the rooms of the package import each other in one direction only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.imports import imports_of, module_name

ROOT = Path(__file__).parents[1]
PACKAGE = 'seg_perception'
FILES = sorted((ROOT / PACKAGE).rglob('*.py'))

MAY_IMPORT = {
    'core': set(),
    'inference': {'core'},
    'sim': {'core'},
    'models': {'core', 'inference', 'sim'},
    'planner': {'core', 'inference', 'sim'},
    'demo': {'core'},
    'replay': {'core', 'inference', 'sim', 'models'},
    'scoring': {'core', 'sim', 'models', 'replay'},
    'ros': {'core', 'inference', 'sim', 'demo', 'replay', 'scoring'},
    'benchmark': {'core', 'inference', 'sim', 'models', 'planner', 'demo', 'ros'},
}
"""The other rooms that a room may import. What lies beside the rooms is open to all, knows none."""

ROS = {
    'rclpy',
    'ament_index_python',
    'builtin_interfaces',
    'cv_bridge',
    'rcl_interfaces',
    'std_srvs',
}
ONLY_IN = {
    'torch': (f'{PACKAGE}.models.', f'{PACKAGE}.benchmark.baselines.'),
    'onnx': (
        f'{PACKAGE}.models.',
        f'{PACKAGE}.inference.device_finish.',
        f'{PACKAGE}.benchmark.baselines.',
        f'{PACKAGE}.benchmark.null_model.',
    ),
    'cityscapesscripts': (f'{PACKAGE}.models.',),
    'onnxruntime': (
        f'{PACKAGE}.inference.onnxruntime.',
        f'{PACKAGE}.inference.onnxruntime_cuda.',
        f'{PACKAGE}.benchmark.baselines.',
    ),
    'tensorrt': (f'{PACKAGE}.inference.tensorrt.',),
    'tensorrt_rtx': (f'{PACKAGE}.inference.tensorrt.',),
    'cuda': (f'{PACKAGE}.inference.tensorrt.',),
}
CORE_NEEDS = {'numpy', 'cv2', 'yaml'}


def breaches(source: str, module: str) -> Iterator[str]:
    """Yield a line for every import of a module that the rule forbids."""
    room = room_of(module)
    for name, line in imports_of(source, module):
        where, top = f'{module}:{line} imports {name}', name.partition('.')[0]
        if top == PACKAGE:
            other = room_of(name)
            if other is None or other == room or (room and other in MAY_IMPORT[room]):
                continue
            if other != 'msg' or room != 'ros':
                yield f'{where}: {room or "a module beside the rooms"} may not know {other}'
        elif (top in ROS or top.endswith('_msgs')) and room != 'ros':
            yield f'{where}: only ros may know ROS'
        elif top in ONLY_IN and not (module + '.').startswith(ONLY_IN[top]):
            rooms = ' and '.join(room.strip('.') for room in ONLY_IN[top])
            yield f'{where}: only {rooms} may know {top}'
        elif room == 'core' and top not in CORE_NEEDS | sys.stdlib_module_names:
            yield f'{where}: core makes do with {", ".join(sorted(CORE_NEEDS))}'


def room_of(name: str) -> str | None:
    """Return the room a dotted name is in, None for what lies beside the rooms."""
    parts = name.split('.')
    return parts[1] if len(parts) > 1 and parts[1] in {*MAY_IMPORT, 'msg'} else None


@pytest.mark.parametrize('file', FILES, ids=lambda file: str(file.relative_to(ROOT / PACKAGE)))
def test_no_source_breaks_the_rule(file: Path) -> None:
    assert list(breaches(file.read_text(), module_name(file, ROOT))) == []


def test_every_folder_is_a_room_of_the_rule() -> None:
    folders = {file.relative_to(ROOT / PACKAGE).parts[0] for file in FILES if file.parent.name}
    assert {folder for folder in folders if not folder.endswith('.py')} == set(MAY_IMPORT)


@pytest.mark.parametrize(
    ('module', 'source', 'reason'),
    [
        ('core.products', 'import rclpy', 'only ros may know ROS'),
        ('core.products', 'from sensor_msgs.msg import Image', 'only ros may know ROS'),
        ('core.view', 'from seg_perception.inference import base', 'core may not know inference'),
        ('core.products', 'from ..ros import qos', 'core may not know ros'),
        ('core.products', 'from seg_perception import sim', 'core may not know sim'),
        ('core.products', 'import scipy.ndimage', 'core makes do with cv2, numpy, yaml'),
        ('sim.scene', 'def late():\n    import seg_perception.ros.qos', 'sim may not know ros'),
        ('inference.base', 'import onnxruntime', 'only seg_perception.inference.onnxruntime and'),
        (
            'inference.choice',
            'import_module("torch.nn")',
            'only seg_perception.models and seg_perception.benchm',
        ),
        ('inference.choice', 'import onnx', 'only seg_perception.models and seg_perception.infer'),
        ('inference.choice', 'import tensorrt_rtx', 'only seg_perception.inference.tensorrt may'),
        ('inference.onnxruntime', 'from cuda.bindings import runtime', 'may know cuda'),
        ('ros.publishers', 'from seg_perception.models import train', 'ros may not know models'),
        ('demo.run', 'from seg_perception.ros import qos', 'demo may not know ros'),
        ('benchmark.path', 'import rclpy', 'only ros may know ROS'),
        ('core.view', 'from seg_perception.benchmark import path', 'core may not know benchmark'),
        ('demo.run', 'from seg_perception.msg import FrameReport', 'demo may not know msg'),
        ('resources', 'import seg_perception.core', 'a module beside the rooms may not know core'),
    ],
)
def test_the_rule_finds_a_breach(module: str, source: str, reason: str) -> None:
    (found,) = breaches(source, f'{PACKAGE}.{module}')
    assert reason in found


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('ros.report', 'from seg_perception.msg import FrameReport'),
        ('ros.report', 'from seg_perception.core.labels import Label'),
        ('inference.onnxruntime', 'import onnxruntime as ort'),
        ('inference.device_finish', 'import onnx'),
        ('inference.tensorrt.flavour', 'import_module("tensorrt_rtx")'),
        ('models.export', 'import onnx, torch\nfrom seg_perception.inference.base import Runner'),
        ('core.labels', 'import numpy.typing as npt\nfrom seg_perception.resources import x'),
        ('__main__', 'from importlib import import_module\nimport_module(tool.module)'),
    ],
)
def test_the_rule_lets_through_what_is_meant(module: str, source: str) -> None:
    assert list(breaches(source, f'{PACKAGE}.{module}')) == []


@pytest.mark.parametrize(
    ('module', 'absent'),
    [
        ('models.cli', ['rclpy', 'sensor_msgs', 'torch', 'onnx', 'cityscapesscripts']),
        ('sim.dataset', ['rclpy', 'sensor_msgs', 'torch', 'onnxruntime']),
        ('replay.cli', ['rclpy', 'sensor_msgs', 'torch', 'onnx', 'cityscapesscripts']),
        ('demo.run', ['torch', 'onnx']),
        ('planner.check', ['rclpy', 'sensor_msgs', 'torch', 'onnx']),
        ('benchmark.cli', ['rclpy', 'sensor_msgs', 'torch', 'onnx', 'cityscapesscripts']),
        ('ros.segmentation_node', ['torch', 'onnx', 'cityscapesscripts', 'cv_bridge']),
        ('ros.scene_camera', ['torch', 'onnx', 'cityscapesscripts', 'onnxruntime']),
        ('ros.demo_monitor', ['torch', 'onnx', 'cityscapesscripts', 'onnxruntime']),
    ],
)
def test_a_tool_starts_without_what_others_need(module: str, absent: list[str]) -> None:
    script = (
        'import sys\n'
        f'sys.modules.update(dict.fromkeys({absent!r}))\n'  # None there makes an import fail
        f'import {PACKAGE}.{module}\n'
    )
    answer = subprocess.run(
        [sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
