"""`benchmark path`: from a camera's bytes to label and masks, beside plain baselines."""

from __future__ import annotations

import argparse
from pathlib import Path

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
from seg_perception.benchmark.search import DEFAULT_TOLERANCE
from seg_perception.inference.choice import BACKENDS
from seg_perception.resources import bundled_model

_RUNTIMES = tuple(reversed(BACKENDS[1:]))
_ENCODINGS = ('rgb8', 'bgr8', 'rgba8', 'bgra8')


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'path',
        'measure the whole frame path beside what one would plainly write',
        '--model r50.onnx --stages --output results',
    )
    add = parser.add_argument
    add('--model', type=Path, metavar='MODEL.onnx', help='(the bundled model)')
    add('--backends', nargs='+', choices=_RUNTIMES, default=_RUNTIMES, help='(all)')
    add(
        '--size',
        type=at_least(int, 16),
        nargs=2,
        default=(2048, 1024),
        metavar=('WIDTH', 'HEIGHT'),
        help="the camera's (2048 1024)",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument('--encoding', choices=_ENCODINGS, default='bgr8', help='(bgr8)')
    kind.add_argument('--jpeg', action='store_true', help='the camera sends JPEG')
    add('--only', nargs='+', metavar='TEXT', help='paths whose name has one of these: cpu, FP16, …')
    add('--published', action='store_true', help='torch with the network as published, too')
    add('--no-peak', action='store_true', help='frame by frame only: no peak, no fixed rates')
    add('--stages', action='store_true', help='show where the milliseconds of a frame go')
    add(
        '--rates',
        type=numbers(float, 0.1),
        default=[2.0, 5.0, 10.0, 20.0, 30.0, 60.0],
        help='fixed ones in Hz; those up to the peak are measured (2,5,10,20,30,60)',
    )
    add(
        '--tolerance',
        type=at_least(float, 0.0),
        default=DEFAULT_TOLERANCE,
        help='share of frames that may be dropped at the peak rate (0.01)',
    )
    add_rounds(parser, seconds=3.0)
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.benchmark.frames import JPEG, street
    from seg_perception.benchmark.machine import describe_machine
    from seg_perception.benchmark.path_contest import Settings, entries, measure_paths
    from seg_perception.benchmark.path_jobs import Camera
    from seg_perception.benchmark.path_report import path_report
    from seg_perception.inference.choice import read_contract

    machine = describe_machine()
    model = options.model or bundled_model()
    contract = read_contract(model)
    encoding = JPEG if options.jpeg else options.encoding
    runs, seconds, frames = (1, 0.2, 1) if options.quick else (options.runs, options.seconds, 4)
    settings = Settings(
        backends=tuple(options.backends),
        runs=runs,
        seconds=seconds,
        rates=tuple(options.rates),
        tolerance=options.tolerance,
        published=options.published,
        peak=not options.no_peak,
    )
    width, height = options.size
    camera = Camera(encoding, street((width, height), frames).encoded(encoding))
    chosen = [
        entry
        for entry in entries(model, camera, settings)
        if any(text in entry.name for text in options.only or [''])
    ]
    if not chosen:
        raise ValueError(f"--only: expected part of a path's name, got {' '.join(options.only)!r}")
    results, absent = measure_paths(chosen, settings)
    if not results:
        reasons = '; '.join(f'{name}: {reason}' for name, reason in absent.items())
        raise ValueError(f'expected a path that works on this machine, got none: {reasons}')
    about = {
        'model': f'{contract.name} ({contract.width}x{contract.height}, {contract.precision})',
        'camera': f'{width}x{height} {encoding}',
    }
    report = path_report(
        results,
        absent,
        about,
        settings,
        machine=machine,
        command=command_text(),
        stages=options.stages,
    )
    deliver(report, options.output)
    return 0
