r"""container: several nodes in one process, each in a thread of its own.

usage: python3 -m seg_perception container [--ros-args …] NODE [ROS ARGUMENTS] [NODE …] …

NODE is segmentation_node or scene_camera. What stands behind it, up to the next, are its own ROS
arguments, with or without --ros-args; what stands before the first holds for all. Example:

  python3 -m seg_perception container \
    scene_camera -r __ns:=/front -p rate:=10.0 \
    segmentation_node -r __ns:=/front -r image:=image_raw \
    segmentation_node -r __ns:=/rear --params-file rear.yaml

A node that fails is told of and ends alone; the exit status is then 1.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.executors import SingleThreadedExecutor

from seg_perception.ros import scene_camera, segmentation_node
from seg_perception.ros.process import ArgumentsError, Process, ros_process

COMPONENTS: dict[str, Callable[[Process, list[str]], None]] = {
    'segmentation_node': segmentation_node.serve,
    'scene_camera': scene_camera.play,
}

_LOOK_S = 0.2
_ROS_ARGUMENTS = '--ros-args'


@dataclass(frozen=True)
class Component:
    """A node of the container.

    :ivar kind: of `COMPONENTS`.
    :ivar arguments: its ROS arguments.
    """

    kind: str
    arguments: list[str]


def parse(arguments: list[str]) -> tuple[list[str], list[Component]]:
    """Return the arguments for the whole process, and the components with theirs.

    :raises ArgumentsError: when there is no component.
    """
    starts = [n for n, word in enumerate(arguments) if word in COMPONENTS]
    if not starts:
        raise ArgumentsError(
            f'expected one node or more of {", ".join(COMPONENTS)}, got {arguments or "nothing"}; '
            'see --help'
        )
    ends = [*starts[1:], len(arguments)]
    components = [
        Component(arguments[start], _ros_arguments(arguments[start + 1 : end]))
        for start, end in zip(starts, ends, strict=True)
    ]
    return _ros_arguments(arguments[: starts[0]]), components


def run(components: list[Component], process: Process) -> list[str]:
    """Run components until all have ended or the process is asked to end; return the failures.

    One executor a node, each in its thread: one that loads a model, or starves, holds up no other.
    """
    failures: list[str] = []
    threads = [
        threading.Thread(target=_run_one, args=(component, process, failures), name=component.kind)
        for component in components
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # a signal waits for the end of a waiting without a time
            thread.join(_LOOK_S)
    return failures


def _run_one(component: Component, process: Process, failures: list[str]) -> None:
    own = Process(SingleThreadedExecutor(), process.stop)
    try:
        COMPONENTS[component.kind](own, component.arguments)
    except Exception as error:  # noqa: BLE001  (the others must live on)
        failure = f'{component.kind} {" ".join(component.arguments)}: {error}'
        print(f'container: {failure}', file=sys.stderr, flush=True)
        failures.append(failure)
    finally:
        own.executor.shutdown()


def _ros_arguments(words: list[str]) -> list[str]:
    if not words or words[0] == _ROS_ARGUMENTS:
        return words
    return [_ROS_ARGUMENTS, *words]


def main(argv: list[str] | None = None) -> int:
    """Run the nodes until SIGINT, SIGTERM or the end of all; return 1 when one failed."""
    arguments = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(arguments):
        print(__doc__)
        return 0
    try:
        shared, components = parse(arguments)
        with ros_process(shared) as process:
            return 1 if run(components, process) else 0
    except ArgumentsError as error:
        print(f'container: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
