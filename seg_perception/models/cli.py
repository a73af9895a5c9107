"""`model`: train, import, export, evaluate, build and describe models."""

from __future__ import annotations

import argparse
import os
import sys

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
from seg_perception.models.commands.shared import Command
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
    options = _parser().parse_args(argv)
    try:
        status = COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads the output has enough, as `head` has. What is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (DatasetError, LabelError, ModelError, RunnerError, OSError, ValueError) as error:
        print(f'model {options.command}: {error}', file=sys.stderr)
        return 1
    except ImportError as error:
        print(f'model {options.command}: {error}; install requirements/train.txt', file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='seg_perception model', description='Train, export, evaluate and describe models.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for command in COMMANDS.values():
        command.add(commands)
    return parser


if __name__ == '__main__':
    sys.exit(main())
