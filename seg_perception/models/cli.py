"""`model`: train, import, export, evaluate, build and describe models."""

from __future__ import annotations

import sys

from seg_perception.command_line import Command, run_tool
from seg_perception.core.labels import LabelError
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.models.commands import (
    build,
    engines,
    evaluate,
    export,
    fetch,
    import_model,
    info,
    list_models,
    quantize,
    train,
)
from seg_perception.models.dataset import DatasetError

COMMANDS: dict[str, Command] = {
    'list': list_models,
    'fetch': fetch,
    'import': import_model,
    'info': info,
    'evaluate': evaluate,
    'train': train,
    'export': export,
    'quantize': quantize,
    'build': build,
    'engines': engines,
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; what the user can mend ends with one line on stderr and 1."""
    return run_tool(
        'model',
        'Train, export, evaluate and describe models.',
        COMMANDS,
        argv,
        errors=(DatasetError, LabelError, ModelError, RunnerError, OSError, ValueError),
        missing='install requirements/train.txt',
    )


if __name__ == '__main__':
    sys.exit(main())
