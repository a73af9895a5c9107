"""`benchmark node`: the node over DDS, beside a plain node and beside the network alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.benchmark.commands.live_options import (
    BUNDLED,
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
    add_rounds,
    command_text,
    deliver,
)
from seg_perception.benchmark.live import Load

PLAIN_NODE = Path(__file__).parents[3] / 'test' / 'benchmark' / 'plain_node.py'


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'node',
        'measure what the node adds to the network, over DDS, beside a plain node',
        '--runs 5 --output results',
    )
    add_load(parser, Load(rate=2.0), model=BUNDLED)
    add_rounds(parser, seconds=15.0)
    parser.add_argument(
        '--plain', type=Path, default=PLAIN_NODE, help='the plain node (of the source tree)'
    )


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.benchmark.machine import describe_machine
    from seg_perception.benchmark.node_contest import Settings, measure_node, node_report

    machine = describe_machine()
    with workplace(options) as folder:
        settings = Settings(
            load=load_of(options),
            model=model_file(options.model, folder),
            null_model=model_file(NULL, folder),
            parameters=parameters_of(options),
            runs=1 if options.quick else options.runs,
            seconds=3.0 if options.quick else options.seconds,
            plain_node=options.plain if options.plain.is_file() else None,
        )
        results = measure_node(settings, folder)
    deliver(node_report(results, settings, machine, command_text()), options.output)
    return 0
