"""`replay`: segment recordings without a graph, compare runs and report on them."""

from __future__ import annotations

import sys

from seg_perception.command_line import Command, run_tool
from seg_perception.core.labels import LabelError
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.replay.commands import compare, from_dataset, report, run

COMMANDS: dict[str, Command] = {
    'run': run,
    'compare': compare,
    'report': report,
    'from-dataset': from_dataset,
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; what the user can mend ends with one line on stderr and 1."""
    return run_tool(
        'replay',
        'Segment recordings without a graph, compare runs and report on them.',
        COMMANDS,
        argv,
        errors=(LabelError, ModelError, RunnerError, OSError, ValueError),
        missing='install requirements/runtime.txt',
    )


if __name__ == '__main__':
    sys.exit(main())
