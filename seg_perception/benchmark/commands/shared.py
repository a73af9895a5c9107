"""What the commands of `benchmark` share."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from seg_perception import command_line
from seg_perception.benchmark.report import Report

PROGRAM = 'python3 -m seg_perception benchmark'

Commands: TypeAlias = command_line.Commands
Number = TypeVar('Number', int, float)


def add_command(commands: Commands, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """Add a command; `text` tells what it does, `example` follows its name in the help."""
    return command_line.add_command(commands, PROGRAM, name, text, example)


def add_rounds(parser: argparse.ArgumentParser, *, seconds: float) -> None:
    """Add the options `--runs`, `--seconds` and `--quick`."""
    parser.add_argument(
        '--runs',
        type=at_least(int, 1),
        default=5,
        help='rounds in shuffled order; figures are their medians (5)',
    )
    parser.add_argument(
        '--seconds',
        type=at_least(float, 0.01),
        default=seconds,
        help=f'of a turn of one contestant ({seconds:g})',
    )
    parser.add_argument('--quick', action='store_true', help='one short round: does it work at all')


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the option `--output`."""
    parser.add_argument(
        '--output',
        type=Path,
        metavar='DIR',
        help='write JSON, Markdown, a page and plots there',
    )


def command_text() -> str:
    """Return the command line as it was typed after the tool's name."""
    return f'{PROGRAM} {shlex.join(sys.argv[2:])}'


def deliver(report: Report, output: Path | None) -> None:
    """Print a report and write its files, if that is wanted."""
    print(report.text())
    if output:
        report.write(output)
        print(f'\nwritten to {output}')


def at_least(kind: type[Number], least: Number) -> Callable[[str], Number]:
    """Return a type for argparse: a number of that kind, `least` or more."""

    def parse(text: str) -> Number:
        value = kind(text)
        if value < least:
            raise argparse.ArgumentTypeError(f'expected {least:g} or more, got {text}')
        return value

    parse.__name__ = f'number ({kind.__name__})'
    return parse


def numbers(kind: type[Number], least: Number) -> Callable[[str], list[Number]]:
    """Return a type for argparse: such numbers, separated by commas, ascending and each once."""
    one = at_least(kind, least)

    def parse(text: str) -> list[Number]:
        return sorted({one(part) for part in text.split(',')})

    parse.__name__ = f'list of numbers ({kind.__name__})'
    return parse


def image_size(text: str) -> tuple[int, int]:
    """Return the width and height in WIDTHxHEIGHT, for argparse."""
    width, _, height = text.partition('x')
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f'expected WIDTHxHEIGHT such as 1280x720, got {text!r}')
    return int(width), int(height)
