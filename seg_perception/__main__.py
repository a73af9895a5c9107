"""All tools: `python3 -m seg_perception <tool> …`, `ros2 run seg_perception <tool> …`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple


class Tool(NamedTuple):
    """Where a tool's `main(argv) -> exit status` is, and what it does in one line."""

    module: str
    summary: str


TOOLS = {
    'segmentation_node': Tool(
        'seg_perception.ros.segmentation_node', 'ROS 2 node: camera image in, masks out'
    ),
    'scene_camera': Tool(
        'seg_perception.ros.scene_camera', 'ROS 2 node: a made-up street, folder or video as camera'
    ),
    'scene_dataset': Tool(
        'seg_perception.sim.dataset', 'render frames of the made-up street with their exact labels'
    ),
    'model': Tool('seg_perception.models.cli', 'train, export, evaluate and describe model files'),
    'benchmark': Tool(
        'seg_perception.benchmark.cli', 'measure model and frame path against plain baselines'
    ),
    'replay': Tool(
        'seg_perception.replay.cli', 'segment recordings without a graph, compare runs, report'
    ),
    'planner_trial': Tool(
        'seg_perception.planner.trial', 'a planner drives by free space, and stops, or does not'
    ),
    'planner_check': Tool(
        'seg_perception.planner.check', 'free space and grid against the exact world of streets'
    ),
    'demo': Tool('seg_perception.demo.run', 'camera, node and monitor together, with a summary'),
    'demo_monitor': Tool(
        'seg_perception.ros.demo_monitor', "ROS 2 node: rate, latency and mIoU of the node's masks"
    ),
    'score': Tool('seg_perception.scoring.command', 'labels of a recording against its truth'),
    'score_node': Tool(
        'seg_perception.ros.score_node', 'ROS 2 node: labels against truth, live: mIoU and more'
    ),
    'bag_player': Tool(
        'seg_perception.ros.bag_player', 'ROS 2 node: plays a recording, with /clock'
    ),
    'bag_recorder': Tool('seg_perception.ros.bag_recorder', 'ROS 2 node: records topics'),
    'container': Tool('seg_perception.ros.container', 'several nodes in one process'),
    'load_camera': Tool(
        'seg_perception.ros.load_camera', 'ROS 2 node: a camera of prepared images, to measure with'
    ),
    'load_cycles': Tool(
        'seg_perception.ros.load_cycles', 'ROS 2 node: takes a lifecycle node through its life'
    ),
    'load_monitor': Tool(
        'seg_perception.ros.load_monitor', "ROS 2 node: notes when each of the node's results came"
    ),
}


def main(argv: list[str] | None = None) -> int:
    """Run the tool that the first argument names with the arguments after it."""
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ['--help']
    if name in ('-h', '--help'):
        print(usage())
        return 0
    tool = TOOLS.get(name)
    if tool is None:
        print(f'error: no tool {name!r}; the tools are {", ".join(TOOLS)}', file=sys.stderr)
        return 2
    # A tool's own usage text then names it.
    sys.argv[0] = f'{__package__} {name}'
    # Imported only now: no tool has to load, or even have, what another one needs.
    return int(import_module(tool.module).main(arguments))


def usage() -> str:
    """Return the list of the tools."""
    width = max(map(len, TOOLS))
    lines = [f'  {name:<{width}}  {tool.summary}' for name, tool in TOOLS.items()]
    head = ['usage: python3 -m seg_perception <tool> …', '', 'tools (each has --help):']
    return '\n'.join(head + lines)


if __name__ == '__main__':
    sys.exit(main())
