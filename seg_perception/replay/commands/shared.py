"""What the commands of `replay` share."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TypeAlias

from seg_perception import command_line

PROGRAM = 'python3 -m seg_perception replay'

Commands: TypeAlias = command_line.Commands


def add_command(commands: Commands, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """Add a command; `text` tells what it does, `example` follows its name in the help."""
    return command_line.add_command(commands, PROGRAM, name, text, example)


def command_text() -> str:
    """Return the command line as it was typed after the tool's name."""
    return f'{PROGRAM} {shlex.join(sys.argv[2:])}'
