"""A tool of several commands: each is a module with `add` and `run`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Protocol, TypeAlias

# argparse has no public name for it.
Commands: TypeAlias = 'argparse._SubParsersAction[argparse.ArgumentParser]'  # noqa: SLF001
"""What a command adds itself to."""


class Command(Protocol):
    """A module of a tool's folder `commands`."""

    def add(self, commands: Commands) -> None:
        """Add the command and its arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Run it; returns the exit status."""


def add_command(
    commands: Commands, program: str, name: str, text: str, example: str
) -> argparse.ArgumentParser:
    """Add a command; `text` tells what it does, `example` follows its name in the help.

    :param program: what to type before the command's name.
    """
    return commands.add_parser(
        name,
        help=text,
        description=f'{text[0].upper()}{text[1:]}.',
        epilog=f'example:\n  {program} {name} {example}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def run_tool(
    name: str,
    description: str,
    commands: Mapping[str, Command],
    argv: list[str] | None,
    *,
    errors: tuple[type[Exception], ...],
    missing: str,
) -> int:
    """Run a command; what the user can mend ends with one line on stderr and 1.

    :param errors: what the user can mend.
    :param missing: what to do where a Python package is missing.
    """
    parser = argparse.ArgumentParser(prog=f'seg_perception {name}', description=description)
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for command in commands.values():
        command.add(subparsers)
    options = parser.parse_args(argv)
    try:
        status = commands[options.command].run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads the output has enough, as `head` has. What is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except errors as error:
        print(f'{name} {options.command}: {error}', file=sys.stderr)
        return 1
    except ImportError as error:
        print(f'{name} {options.command}: {error}; {missing}', file=sys.stderr)
        return 1
    return status
