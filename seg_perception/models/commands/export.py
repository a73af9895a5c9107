"""`model export`: a contract file from a checkpoint of `model train`."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import load_label_set
from seg_perception.models.commands.shared import (
    Commands,
    add_command,
    add_dataset,
    add_label_stride,
)
from seg_perception.models.dataset import CityscapesFolder


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'export',
        'turn a checkpoint into a contract file and check that both label alike',
        'runs/r18/last.pt --output r18.onnx --check-on CITYSCAPES --width 1024 --height 512',
    )
    add = parser.add_argument
    add('checkpoint', type=Path)
    add('--output', type=Path, required=True, metavar='MODEL.onnx')
    add('--width', type=int, default=512, help="of the network's input (512)")
    add('--height', type=int, default=288, help="of the network's input (288)")
    add_dataset(parser, '--check-on')
    add('--check-frames', type=int, default=20, help='how many frames to compare on (20)')
    add(
        '--no-fold',
        action='store_true',
        help='keep the network as trained, where an equal one with less work is written by default',
    )
    add_label_stride(parser)
    add('--trained-on', required=True, help='the data, in words')
    add('--weights-license', required=True)
    add('--data-license', required=True)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.models.export.contract_file import MIN_AGREEMENT, agreement, export
    from seg_perception.models.training.checkpoint import load_checkpoint

    network, recipe = load_checkpoint(options.checkpoint)
    labels = load_label_set(recipe['label_set'])
    folder = CityscapesFolder(options.check_on, options.split, labels)
    contract = ModelContract(
        name=options.output.stem,
        architecture=recipe['architecture'],
        label_set=labels.name,
        labels=labels.labels,
        width=options.width,
        height=options.height,
        batch=None,
        stride=network.architecture.stride,
        align_corners=network.architecture.align_corners,
        trained_on=options.trained_on,
        weights_license=options.weights_license,
        data_license=options.data_license,
        source_url='',
        source_sha256='',
        accuracy=(),
        date=datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        configuration=network.architecture.to_config(),
        label_stride=options.label_stride,
    )
    export(network, contract, options.output, fold=not options.no_fold)
    count = min(options.check_frames, len(folder))
    share = agreement(network, options.output, (folder.image(index) for index in range(count)))
    print(f'torch and {options.output} give the same label on {share:.6%} of {count} frames')
    if share < MIN_AGREEMENT:
        raise ValueError(
            f'expected at least {MIN_AGREEMENT:.2%}, got {share:.6%}; do not use {options.output}'
        )
    return 0
