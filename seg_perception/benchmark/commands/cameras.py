"""`benchmark cameras`: several cameras through one node."""

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
        'cameras',
        'serve several cameras by one node: rates, fairness, losses',
        '--cameras 6 --chaos 300',
    )
    add = parser.add_argument
    add('--cameras', type=at_least(int, 2), default=6, help='how many (6)')
    add('--seconds', type=at_least(float, 1), default=30.0, help='without chaos (30)')
    add(
        '--chaos',
        type=at_least(float, 1),
        metavar='SECONDS',
        help='instead: kill cameras and start them again, one at a time, for so long',
    )
    add('--seed', type=int, default=0, help='of the order in which cameras die (0)')
    add_load(parser, Load(width=1280, height=720, rate=10.0), model=NULL)


def run(options: argparse.Namespace) -> int:
    """Run it; returns 1 where a frame was lost, doubled, disordered or left uncounted."""
    from seg_perception.benchmark.camera_ring import Settings, cameras_report, measure_cameras
    from seg_perception.benchmark.machine import describe_machine

    machine = describe_machine()
    with workplace(options) as folder:
        settings = Settings(
            load=load_of(options, options.cameras),
            model=model_file(options.model, folder),
            parameters=parameters_of(options),
            seconds=options.chaos or options.seconds,
            chaos=options.chaos is not None,
            seed=options.seed,
        )
        results = measure_cameras(settings, folder)
    deliver(cameras_report(results, settings, machine, command_text()), options.output)
    return 1 if results.faults else 0
