"""`replay from-dataset`: labelled frames in a folder become a recording with their truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.replay.commands.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'from-dataset',
        'make a recording of a labelled data set: images, calibration and truth',
        'CITYSCAPES --split val --output val_bag',
    )
    add = parser.add_argument
    add(
        'folder',
        type=Path,
        metavar='DIR',
        help='of Cityscapes (leftImg8bit, gtFine, camera), KITTI (training/image_2, '
        'training/semantic, training/calib) or the SegNet tutorial (val, valannot)',
    )
    add('--output', type=Path, required=True, metavar='BAG', help='folder of the recording')
    add('--split', default='val', help='of Cityscapes or the SegNet tutorial (val)')
    add('--annotation', default='gtFine', help="folder of Cityscapes' labels (gtFine)")
    add('--label-set', help='of the truth (cityscapes; SegNet tutorial: camvid)')
    add('--camera', default='camera', help='name of the camera: the topics are below it (camera)')
    add('--rate', type=float, default=10.0, help='frames per second (10)')
    add('--limit', type=int, metavar='N', help='the first N frames only')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.replay.dataset import open_dataset
    from seg_perception.replay.dataset_bag import write_dataset_bag

    dataset = open_dataset(
        options.folder, options.split, options.label_set, annotation=options.annotation
    )
    count = write_dataset_bag(
        dataset, options.output, camera=options.camera, rate=options.rate, limit=options.limit
    )
    print(f'{count} frames and their truth ({dataset.labels.name}) written to {options.output}')
    return 0
