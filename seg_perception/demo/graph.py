"""The demo as data: its processes, their names and their parameters.

`demo.launch.py` and the demo's own runner both start what is described here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

NAMESPACE = '/demo'

# The node's subscription has one slot that the middleware overwrites: right on a vehicle, but here
# every frame shall be counted, even where the machine has no time for the node.
_COUNTED = {
    f'qos_overrides.{NAMESPACE}/camera/image_raw.subscription.{policy}': value
    for policy, value in (('reliability', 'reliable'), ('depth', 10))
}

Value = bool | int | float | str | list[str]


@dataclass(frozen=True)
class DemoOptions:
    """What a person may choose about the demo."""

    source: str = 'scene'
    """`scene`, a folder of images or a video file."""
    width: int = 1280
    """Pixels; of the rendered scene."""
    height: int = 720
    rate: float = 10.0
    """Frames per second."""
    seed: int = 0
    frames: int = 0
    """The camera stops after this many frames; 0: never."""
    model: str = ''
    """A model file; empty: the bundled one."""
    output: str = ''
    """The folder for pictures and summary; empty: none are written."""
    command: str = ''
    """What was typed to start the demo, for the summary page."""


@dataclass(frozen=True)
class Process:
    """One node in a process of its own."""

    tool: str
    """The tool of `python3 -m seg_perception`, and the executable of `ros2 run`."""
    name: str
    parameters: Mapping[str, Value]
    remappings: Mapping[str, str] = field(default_factory=dict)
    lifecycle: bool = False
    namespace: str = NAMESPACE

    def command(self) -> list[str]:
        """Return the command line that starts it."""
        return [sys.executable, '-m', 'seg_perception', self.tool, *self.arguments()]

    def arguments(self) -> list[str]:
        """Return the command line behind the executable, `--ros-args` and all."""
        arguments = ['--ros-args', '-r', f'__node:={self.name}', '-r', f'__ns:={self.namespace}']
        for name, target in self.remappings.items():
            arguments += ['-r', f'{name}:={target}']
        for name, value in self.parameters.items():
            # JSON is YAML, and its quotes keep a folder called 2024 a string.
            arguments += ['-p', f'{name}:={json.dumps(value, ensure_ascii=False)}']
        return arguments


def segmentation_node(options: DemoOptions) -> Process:
    """Return the node that the demo is about."""
    parameters: dict[str, Value] = {
        'transport': 'raw',
        'autostart': True,
        'watchdog': 10.0,  # the camera waits for the others at the start
        'max_age': 10.0,  # a machine that is too slow shall show what it can
        **_COUNTED,
    }
    if options.model:
        parameters['model'] = options.model
    return Process(
        tool='segmentation_node',
        name='segmentation',
        parameters=parameters,
        remappings={'image': 'camera/image_raw', 'camera_info': 'camera/camera_info'},
        lifecycle=True,
    )


def scene_camera(options: DemoOptions) -> Process:
    """Return the camera, which holds its first frame until the monitor has it play."""
    return Process(
        tool='scene_camera',
        name='scene_camera',
        parameters={
            'source': options.source,
            'width': options.width,
            'height': options.height,
            'rate': options.rate,
            'seed': options.seed,
            'frames': options.frames,
            'compressed': True,
            'play': False,
            'wait_for_subscribers': 1,
        },
        namespace=f'{NAMESPACE}/camera',
    )


def demo_monitor(options: DemoOptions) -> Process:
    """Return the consumer of the results, which also starts the camera when all are connected."""
    return Process(
        tool='demo_monitor',
        name='demo_monitor',
        parameters={'output': options.output, 'command': options.command, 'start_camera': True},
    )


def demo_processes(options: DemoOptions) -> tuple[Process, Process, Process]:
    """Return the node, the monitor and the camera, in the order in which they are started."""
    return segmentation_node(options), demo_monitor(options), scene_camera(options)
