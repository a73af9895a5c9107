"""`benchmark model`: every runtime of this machine, side by side."""

from __future__ import annotations

import argparse

from seg_perception.benchmark.commands.shared import Commands, add_command
from seg_perception.inference.base import RunnerError
from seg_perception.inference.choice import BACKENDS, create_runner
from seg_perception.resources import bundled_model


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    add_command(commands, 'model', 'say which runtimes this machine has', '')


def run(_: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    for backend in BACKENDS[1:]:
        try:
            create_runner(backend, bundled_model()).check_machine()
        except RunnerError as error:
            print(f'{backend}: {error}')
        else:
            print(backend)
    return 0
