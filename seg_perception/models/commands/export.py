"""`model export`: a contract file from a checkpoint of `model train`."""

from __future__ import annotations

import argparse
from pathlib import Path

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
    from seg_perception.models.checkpoints.convert import About, convert
    from seg_perception.models.checkpoints.source import Credit
    from seg_perception.models.training.checkpoint import load_checkpoint

    network, recipe = load_checkpoint(options.checkpoint)
    labels = load_label_set(recipe['label_set'])
    folder = CityscapesFolder(options.check_on, options.split, labels)
    images = [folder.image(index) for index in range(min(options.check_frames, len(folder)))]
    about = About(
        name=options.output.stem,
        size=(options.width, options.height),
        labels=labels,
        credit=Credit(options.trained_on, options.weights_license, options.data_license),
        source_url='',
        source_sha256='',
        label_stride=options.label_stride,
    )
    share = convert(network, about, options.output, images, fold=not options.no_fold)
    print(f'torch and {options.output} give the same label on {share:.6%} of {len(images)} frames')
    return 0
