"""`benchmark planner`: what all outputs for planners cost."""

from __future__ import annotations

import argparse

from seg_perception.benchmark.commands.shared import (
    Commands,
    add_command,
    add_output,
    at_least,
    command_text,
    deliver,
    image_size,
)


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'planner',
        'measure free space, obstacles, grid and health of one camera together, on one core',
        '--size 1280x720 --labels 480x270',
    )
    add = parser.add_argument
    add('--size', type=image_size, default=(2048, 1024), help='of the images (2048x1024)')
    add('--labels', type=image_size, default=(640, 360), help='of the label grid (640x360)')
    add('--runs', type=at_least(int, 1), default=5, help='figures are their medians (5)')
    add('--frames', type=at_least(int, 1), default=60, help='of a run (60)')
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.benchmark.machine import describe_machine
    from seg_perception.benchmark.planner_outputs import Settings, measure_planner, planner_report

    machine = describe_machine()
    settings = Settings(options.size, options.labels, options.runs, options.frames)
    results = measure_planner(settings)
    deliver(planner_report(results, settings, machine, command_text()), options.output)
    return 0
