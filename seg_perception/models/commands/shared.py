"""What the commands of `model` share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from seg_perception import command_line
from seg_perception.core.contract import LABEL_STRIDES

PROGRAM = 'python3 -m seg_perception model'

Commands: TypeAlias = command_line.Commands


def add_command(commands: Commands, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """Add a command; `text` tells what it does, `example` follows its name in the help."""
    return command_line.add_command(commands, PROGRAM, name, text, example)


def add_label_stride(parser: argparse.ArgumentParser) -> None:
    """Add the option `--label-stride`."""
    parser.add_argument(
        '--label-stride',
        type=int,
        default=1,
        choices=LABEL_STRIDES,
        help='input pixels a side for each label: coarser labels take less time (1)',
    )


def add_dataset(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the option `name` for a dataset folder, and `--split`."""
    parser.add_argument(
        name,
        type=Path,
        required=True,
        metavar='DIR',
        help='leftImg8bit/<split>/<city>/*_leftImg8bit.png|jpg and gtFine/... beside it',
    )
    parser.add_argument('--split', default='val', help='default: val')


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Add the option `--cache` for the folder of fetched models."""
    parser.add_argument(
        '--cache',
        type=Path,
        metavar='DIR',
        help="of fetched models (SEG_PERCEPTION_CACHE, else the user's cache folder)",
    )


def add_engine_cache(parser: argparse.ArgumentParser) -> None:
    """Add the options `--cache-dir` and `--limit-mib` of the engine cache."""
    parser.add_argument(
        '--cache-dir',
        type=Path,
        metavar='DIR',
        help="of engines, as the node's engine_cache_dir (`engines` in SEG_PERCEPTION_CACHE, else "
        "in the user's cache folder)",
    )
    parser.add_argument(
        '--limit-mib',
        type=int,
        default=4096,
        help='of all engines together; those unused longest are removed (4096)',
    )
