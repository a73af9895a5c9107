"""`benchmark soak`: the node for a long time."""

from __future__ import annotations

import argparse

from seg_perception.benchmark.commands.live_options import (
    NULL,
    add_load,
    load_of,
    model_file,
    parameters_of,
    workplace,
)
from seg_perception.benchmark.commands.shared import (
    Commands,
    add_command,
    at_least,
    command_text,
    deliver,
)
from seg_perception.benchmark.live import Load


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'soak',
        'run the node for a long time: losses, processor time, growth of memory',
        '--size 640x360 --rate 200 --frames 20000',
    )
    how_long = parser.add_mutually_exclusive_group()
    add = how_long.add_argument
    add('--seconds', type=at_least(float, 6), default=60.0, help='how long (60)')
    add('--frames', type=at_least(int, 10), help='instead: until the camera has sent so many')
    add('--cycles', type=at_least(int, 10), default=0, help='instead: as many whole lives')
    add_load(parser, Load(), model=NULL)


def run(options: argparse.Namespace) -> int:
    """Run it; returns 1 where a frame was lost or left uncounted."""
    from seg_perception.benchmark.machine import describe_machine
    from seg_perception.benchmark.soak import Settings, soak, soak_report

    machine = describe_machine()
    with workplace(options) as folder:
        settings = Settings(
            load=load_of(options),
            model=model_file(options.model, folder),
            parameters=parameters_of(options),
            seconds=options.frames / options.rate if options.frames else options.seconds,
            cycles=options.cycles,
        )
        results = soak(settings, folder)
    deliver(soak_report(results, settings, machine, command_text()), options.output)
    return 1 if results.counts and results.counts.faults else 0
