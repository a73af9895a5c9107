"""`benchmark model`: every runtime of this machine, side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from seg_perception.benchmark.commands.shared import (
    Commands,
    add_command,
    add_output,
    add_rounds,
    at_least,
    command_text,
    deliver,
    numbers,
)
from seg_perception.inference.choice import BACKENDS
from seg_perception.resources import bundled_model

if TYPE_CHECKING:
    from seg_perception.benchmark.frames import Frames

_RUNTIMES = tuple(reversed(BACKENDS[1:]))
_STREET_SIZE = (1280, 720)


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'model',
        'measure models in every runtime of this machine: time, throughput, memory, accuracy',
        'r18.onnx r18_fp16.onnx --batch 1,4 --output results',
    )
    add = parser.add_argument
    add('models', type=Path, nargs='*', metavar='MODEL.onnx', help='(the bundled model)')
    add('--backends', nargs='+', choices=_RUNTIMES, default=_RUNTIMES, help='(all)')
    add('--batch', type=numbers(int, 1), default=[1], help='sizes, such as 1,2,4 (1)')
    add('--threads', type=at_least(int, 0), default=0, help='of the CPU; 0: one a core (0)')
    add('--frames', type=at_least(int, 1), default=8, help='for accuracy (8)')
    add('--dataset', type=Path, metavar='DIR', help="frames in Cityscapes' layout (made-up street)")
    add('--split', default='val', help='of the dataset (val)')
    add_rounds(parser, seconds=3.0)
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.benchmark.machine import describe_machine
    from seg_perception.benchmark.model_contest import Settings, measure_models
    from seg_perception.benchmark.model_report import model_report

    machine = describe_machine()
    runs, seconds, frames = (
        (1, 0.2, 2) if options.quick else (options.runs, options.seconds, options.frames)
    )
    settings = Settings(
        tuple(options.backends), tuple(options.batch), options.threads, runs, seconds
    )
    results = measure_models(
        options.models or [bundled_model()], settings, _frames(options, frames)
    )
    deliver(model_report(results, settings, machine, command_text()), options.output)
    return 0 if any(result.runtimes for result in results) else 1


def _frames(options: argparse.Namespace, count: int) -> Frames:
    from seg_perception.benchmark import frames

    if options.dataset:
        return frames.labelled(options.dataset, options.split, count)
    return frames.street(_STREET_SIZE, count)
