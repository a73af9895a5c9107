"""`replay report`: a run as one page, to be read anywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.replay.commands.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands, 'report', 'write a run as one HTML page', 'run --output run.html'
    )
    parser.add_argument('run', type=Path, metavar='RUN', help='as `replay run` wrote it')
    parser.add_argument(
        '--output', type=Path, metavar='PAGE.html', help='default: report.html in the run'
    )
    parser.add_argument('--sheet', type=int, default=16, help='frames of the overview (16)')
    parser.add_argument('--worst', type=int, default=6, help='frames that are least sure (6)')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.replay.report_page import write_page
    from seg_perception.replay.run_folder import Run

    for name in ('sheet', 'worst'):
        if getattr(options, name) < 0:
            raise ValueError(f'--{name}: expected 0 or more, got {getattr(options, name)}')
    path = options.output or options.run / 'report.html'
    write_page(Run.load(options.run), path, sheet=options.sheet, worst=options.worst)
    print(f'written to {path}')
    return 0
