"""`model quantize`: an FP16 or INT8 file from an FP32 one, kept only if it labels as well."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from seg_perception.core.labels import load_grouping, load_label_set
from seg_perception.inference.choice import read_contract
from seg_perception.models.commands.shared import PROGRAM, Commands, add_command, add_dataset
from seg_perception.models.dataset import CityscapesFolder

_MIN_AGREEMENT = {'fp16': 0.995, 'int8': 0.95}


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'quantize',
        'make an FP16 or INT8 file of a contract file and check what it costs',
        'MODEL.onnx --output INT8.onnx --precision int8 --calibrate-on CITYSCAPES '
        '--check-on CITYSCAPES',
    )
    add = parser.add_argument
    add('model', type=Path, metavar='MODEL.onnx', help='a contract file in FP32')
    add('--output', type=Path, required=True, metavar='OUT.onnx')
    add('--precision', choices=tuple(_MIN_AGREEMENT), required=True)
    add(
        '--calibrate-on',
        type=Path,
        metavar='DIR',
        help='pictures to look at activations on: a folder in Cityscapes layout (its split train) '
        'or any folder of pictures; needed for int8, for fp16 the default is --check-on',
    )
    add('--calibrate-frames', type=int, default=50, help='how many, evenly spread (50)')
    add_dataset(parser, '--check-on')
    add('--grouping', help='merge labels before scoring: a name in config/labels or a path')
    add('--max-drop', type=float, default=1.0, help='of the mIoU, in points (1.0)')
    add(
        '--min-agreement',
        type=float,
        help='share of pixels that must keep their label (fp16: 0.995, int8: 0.95)',
    )
    add('--threads', type=int, default=0, help='0: one for each core')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    import onnx

    from seg_perception.models.export.calibration import Pictures
    from seg_perception.models.export.gate import Frames, Limits, keep_if_good
    from seg_perception.models.export.precision import to_half
    from seg_perception.models.export.quantize import quantize

    contract = read_contract(options.model)
    if contract.precision != 'fp32':
        raise ValueError(
            f'{options.model}: expected an fp32 model, got {contract.precision}; give its original'
        )
    if options.precision == 'int8' and options.calibrate_on is None:
        raise ValueError('--precision int8: expected --calibrate-on with real frames, got none')
    if options.output.is_dir() or not options.output.parent.is_dir():
        raise ValueError(
            f'--output: expected a file in a folder that exists, got {options.output}; make it'
        )
    labels = load_label_set(contract.label_set)
    grouping = load_grouping(options.grouping, labels) if options.grouping else None
    folder = CityscapesFolder(options.check_on, options.split, labels)
    scored = f', {options.grouping}' if options.grouping else ''
    frames = Frames(
        folder, labels, grouping, f'{options.check_on.resolve().name} {options.split}{scored}'
    )
    pictures = Pictures(
        options.calibrate_on or options.check_on,
        contract.size,
        'train' if options.calibrate_on else options.split,
        options.calibrate_frames,
    )
    convert = {'fp16': to_half, 'int8': quantize}[options.precision]
    agreement = options.min_agreement
    found = keep_if_good(
        convert(onnx.load(str(options.model)), pictures),
        options.model,
        options.output,
        frames,
        Limits(
            options.max_drop, _MIN_AGREEMENT[options.precision] if agreement is None else agreement
        ),
        precision=options.precision,
        commands=(_made_by(options), _measured_by(options)),
        threads=options.threads,
    )
    before, after = (path.stat().st_size / 1e6 for path in (options.model, options.output))
    print(f'wrote {options.output}: {found}, {before:.2f} MB -> {after:.2f} MB')
    return 0


def _made_by(options: argparse.Namespace) -> str:
    words = [str(options.model), '--output', str(options.output), '--precision', options.precision]
    if options.calibrate_on:
        words += ['--calibrate-on', str(options.calibrate_on)]
    words += ['--calibrate-frames', str(options.calibrate_frames)]
    return f'{PROGRAM} quantize {shlex.join([*words, "--check-on", *_checked_on(options)])}'


def _measured_by(options: argparse.Namespace) -> str:
    return f'{PROGRAM} evaluate {shlex.join(["--dataset", *_checked_on(options)])}'


def _checked_on(options: argparse.Namespace) -> list[str]:
    words = [str(options.check_on), '--split', options.split]
    return [*words, '--grouping', options.grouping] if options.grouping else words
