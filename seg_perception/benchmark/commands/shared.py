"""What the commands of `benchmark` share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from seg_perception import command_line

PROGRAM = 'python3 -m seg_perception benchmark'

Commands: TypeAlias = command_line.Commands


def add_command(commands: Commands, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """Add a command; `text` tells what it does, `example` follows its name in the help."""
    return command_line.add_command(commands, PROGRAM, name, text, example)
