"""`model train`: a network from labelled frames."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.models.commands.shared import PROGRAM, Commands, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'train',
        "train a PSPNet with the paper's recipe",
        '--dataset CITYSCAPES --architecture pspnet_r18_d8 --from-scratch --output runs/r18',
    )
    add = parser.add_argument
    add(
        '--dataset',
        action='append',
        required=True,
        metavar='DIR[@ANNOTATION]',
        help='folder in Cityscapes layout, split train; may be given several times',
    )
    add('--shares', type=float, nargs='+', help='how often to draw from each dataset (all alike)')
    add('--architecture', default='pspnet_lite0_d8')
    add('--output', type=Path, required=True, help='folder of the checkpoints')
    add('--width', type=int, default=512, help='of the crop (512)')
    add('--height', type=int, default=288, help='of the crop (288)')
    add('--iterations', type=int, default=90_000)
    add('--batch', type=int, default=16)
    add('--optimizer', choices=('sgd', 'adamw'), default='sgd')
    add('--learning-rate', type=float, default=0.01)
    add('--head-factor', type=float, default=10.0, help='times the learning rate, for the head')
    add('--weight-decay', type=float, default=1e-4)
    add(
        '--scale',
        type=float,
        nargs=2,
        default=(0.5, 2.0),
        metavar=('MIN', 'MAX'),
        help='zoom; 1 fits the frame to the crop (0.5 2.0)',
    )
    add('--balance', type=float, default=0.0, help='0 weighs all pixels alike, 1 all classes (0)')
    add('--freeze-early', action='store_true', help='keep the pretrained layers up to stride 4')
    add('--from-scratch', action='store_true', help='start from random weights')
    add('--seed', type=int, default=0)
    add('--device', default='cpu', help='cpu or cuda')
    add('--workers', type=int, default=0, help='processes that read frames')
    add('--save-every', type=int, default=200, metavar='ITERATIONS')
    add('--resume', action='store_true', help='go on from the last checkpoint')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.models.training.train import Recipe, train

    shares = options.shares or [1.0] * len(options.dataset)
    if len(shares) != len(options.dataset) or min(shares) <= 0:
        raise ValueError(
            f'--shares: expected {len(options.dataset)} positive numbers, one a dataset, '
            f'got {shares}'
        )
    recipe = Recipe(
        architecture=options.architecture,
        datasets=tuple(options.dataset),
        shares=tuple(shares),
        width=options.width,
        height=options.height,
        iterations=options.iterations,
        batch=options.batch,
        optimizer=options.optimizer,
        learning_rate=options.learning_rate,
        head_factor=options.head_factor,
        weight_decay=options.weight_decay,
        scale=(options.scale[0], options.scale[1]),
        balance=options.balance,
        pretrained=not options.from_scratch,
        freeze_early=options.freeze_early,
        seed=options.seed,
    )
    path = train(
        recipe,
        options.output,
        device=options.device,
        resume=options.resume,
        workers=options.workers,
        save_every=options.save_every,
    )
    print(f'wrote {path}; next: {PROGRAM} export {path} --output MODEL.onnx')
    return 0
