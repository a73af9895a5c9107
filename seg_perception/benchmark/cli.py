"""`benchmark`: measure models, the frame path and the node beside plain baselines."""

from __future__ import annotations

import sys

from seg_perception.benchmark.commands import cameras, model, node, path, planner, soak, transport
from seg_perception.command_line import Command, run_tool
from seg_perception.core.labels import LabelError
from seg_perception.demo.processes import ProcessError
from seg_perception.inference.base import ModelError, RunnerError

COMMANDS: dict[str, Command] = {
    'model': model,
    'path': path,
    'node': node,
    'cameras': cameras,
    'soak': soak,
    'planner': planner,
    'transport': transport,
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; what the user can mend ends with one line on stderr and 1."""
    return run_tool(
        'benchmark',
        'Measure models, the frame path and the node beside plain baselines.',
        COMMANDS,
        argv,
        errors=(LabelError, ModelError, RunnerError, ProcessError, OSError, ValueError),
        missing='install requirements/runtime.txt',
    )


if __name__ == '__main__':
    sys.exit(main())
