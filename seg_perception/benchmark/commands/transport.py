"""`benchmark transport`: whether large images arrive, with and without what the package ships."""

from __future__ import annotations

import argparse

from seg_perception.benchmark.commands.live_options import add_images, load_of, workplace
from seg_perception.benchmark.commands.shared import (
    Commands,
    add_command,
    add_output,
    at_least,
    command_text,
    deliver,
)
from seg_perception.benchmark.live import Load
from seg_perception.ros.load_protocol import JPEG


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'transport',
        'count the large images that arrive in another process, under four settings of DDS',
        '--size 1280x720',
    )
    parser.add_argument(
        '--seconds', type=at_least(float, 1), default=4.0, help='of each of eight runs (4)'
    )
    add_images(parser, Load())
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.benchmark.machine import describe_machine
    from seg_perception.benchmark.transport import measure_transport, transport_report

    if options.encoding == JPEG:
        raise ValueError(f'--encoding: expected one of raw images, which are large, got {JPEG}')
    machine = describe_machine()
    load = load_of(options)
    with workplace(options) as folder:
        results = measure_transport(load, options.seconds, folder)
    report = transport_report(results, load, options.seconds, machine, command_text())
    deliver(report, options.output)
    return 0
