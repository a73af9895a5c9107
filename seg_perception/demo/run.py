"""demo: camera, node and monitor together for a while, then a page of results."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seg_perception.demo.domain import free_domain
from seg_perception.demo.graph import DemoOptions, demo_processes
from seg_perception.demo.processes import Children, ProcessError
from seg_perception.demo.record import PAGE_FILE, SUMMARY_FILE
from seg_perception.large_images import large_image_environment

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_WRITING_S = 60.0


def main(argv: list[str] | None = None) -> int:
    """Run the demo; return 0 if frames were segmented, 1 if not, 130 after Ctrl-C."""
    words = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(words)
    output = Path(arguments.output)
    try:
        options = _options(arguments, shlex.join(words))
        environment = demo_environment()
        logs = output / 'log'
        logs.mkdir(parents=True, exist_ok=True)
        (output / SUMMARY_FILE).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        print(f'demo: {error}', file=sys.stderr)
        return 1
    print(
        f'{options.source} at {options.rate:g} Hz for {arguments.duration:g} s, '
        f'domain {environment["ROS_DOMAIN_ID"]}, logs in {logs}',
        flush=True,
    )
    with _interrupts() as interrupts:
        try:
            with Children(logs, environment) as children:
                status = _play(children, options, interrupts)
        except ProcessError as error:
            print(f'demo: {error}', file=sys.stderr)
            status = 1
    if not (output / SUMMARY_FILE).is_file():
        return INTERRUPTED if interrupts else status or 1
    _print_summary(json.loads((output / SUMMARY_FILE).read_text(encoding='utf-8')))
    print(f'\n{output / PAGE_FILE}')
    return INTERRUPTED if interrupts else status


def demo_environment() -> dict[str, str]:
    """Return the children's environment: large images pass, and no other graph is met."""
    environment = dict(os.environ)
    environment.update(large_image_environment(environment))
    environment.setdefault('ROS_DOMAIN_ID', str(free_domain()))
    environment.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    if environment.get('ROS_DISTRO') == 'humble':
        environment.setdefault('ROS_LOCALHOST_ONLY', '1')
    return environment


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python3 -m seg_perception demo',
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    scene = DemoOptions()
    parser.add_argument(
        '--source', default=scene.source, help='scene, a folder of images or a video file'
    )
    parser.add_argument('--duration', type=float, default=20.0, help='seconds')
    parser.add_argument('--output', default='demo_output', help='folder for the results')
    parser.add_argument('--rate', type=float, default=scene.rate, help='frames per second')
    parser.add_argument('--width', type=int, default=scene.width, help='of the scene, pixels')
    parser.add_argument('--height', type=int, default=scene.height, help='of the scene, pixels')
    parser.add_argument('--seed', type=int, default=scene.seed, help='of the scene')
    parser.add_argument('--model', default='', help='a model file, else the bundled one%(default)s')
    return parser


def _options(arguments: argparse.Namespace, words: str) -> DemoOptions:
    if not 0 < arguments.duration <= 3600:
        raise ValueError(
            f'--duration must be more than 0 and at most 3600 seconds, got {arguments.duration:g}'
        )
    if not 0.1 <= arguments.rate <= 240:
        raise ValueError(f'--rate must be 0.1 to 240 frames per second, got {arguments.rate:g}')
    if arguments.source != DemoOptions.source and not Path(arguments.source).exists():
        raise ValueError(
            f'--source {arguments.source}: no such file or folder; give {DemoOptions.source}, '
            'a folder of images or a video'
        )
    if arguments.model and not Path(arguments.model).is_file():
        raise ValueError(f'--model {arguments.model}: no such file')
    return DemoOptions(
        source=arguments.source,
        width=arguments.width,
        height=arguments.height,
        rate=arguments.rate,
        seed=arguments.seed,
        frames=max(1, round(arguments.duration * arguments.rate)),
        model=arguments.model,
        output=arguments.output,
        command=f'python3 -m seg_perception demo {words}'.rstrip(),
    )


def _play(children: Children, options: DemoOptions, interrupts: list[int]) -> int:
    node_process, monitor_process, camera_process = demo_processes(options)
    node = children.start(node_process.name, node_process.command())
    monitor = children.start(
        monitor_process.name, monitor_process.command(), show=True, patience=_WRITING_S
    )
    camera = children.start(camera_process.name, camera_process.command())
    children.wait(camera, until=lambda: bool(interrupts))
    children.stop(camera)
    status = children.stop(monitor)
    if status:
        print(f'demo: no result; the monitor says:\n{monitor.last_words()}', file=sys.stderr)
        print(f'and the node:\n{node.last_words()}', file=sys.stderr)
    children.stop(node)
    return status


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collect SIGINT, SIGTERM and SIGHUP instead of ending on them, so that children are ended."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda n, _: received.append(n)) for number in numbers]
    try:
        yield received
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _print_summary(summary: dict[str, Any]) -> None:
    if not summary['frames_out']:
        return
    dropped = summary['dropped']
    latency = summary['latency_ms']
    miou = summary['miou']
    published = summary['frames_published']
    print(f'\n{summary["model"]} on {summary["backend"]}')
    print(f'  frames   in {summary["frames_in"]}, out {summary["frames_out"]}, dropped ', end='')
    print(', '.join(f'{reason} {count}' for reason, count in dropped.items()))
    if published is not None and published != summary['frames_in']:
        lost = published - summary['frames_in']
        print(f'  camera   published {published}: {lost} did not reach the node')
    if summary['frames_skipped']:
        print(f'  camera   skipped {summary["frames_skipped"]} frames that were not made in time')
    print(f'  rate     {summary["rate_hz"]:.1f} Hz')
    if latency['p50'] is not None:
        print(f'  latency  p50 {latency["p50"]:.0f} ms, p99 {latency["p99"]:.0f} ms')
    print(f'  mIoU     {"no truth to compare with" if miou is None else format(miou, ".3f")}')
