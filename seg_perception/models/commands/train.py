"""`model train`: a network from labelled frames."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from seg_perception.models.commands.shared import PROGRAM, Commands, add_command
from seg_perception.models.training.presets import PRESETS, preset
from seg_perception.models.training.recipe import COLORS, OPTIMIZERS, Recipe


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'train',
        'train a network by a published recipe',
        '--dataset CITYSCAPES --architecture pspnet_r18_d8 --from-scratch --preset mmseg '
        '--output runs/r18',
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
    add('--architecture', default='pspnet_lite0_d8', help='default: pspnet_lite0_d8')
    add('--output', type=Path, required=True, help='folder of the checkpoints')
    start = parser.add_mutually_exclusive_group()
    start.add_argument('--from-scratch', action='store_true', help='start from random weights')
    start.add_argument(
        '--backbone', metavar='FILE', default='', help='start from the backbone of a .pth or so'
    )
    add('--device', default='cpu', help='cpu or cuda; several GPUs: start it by torchrun')
    add('--compile', action='store_true', help='compile first: a slow start, then faster steps')
    add('--workers', type=int, default=0, help='processes that read frames')
    add('--save-every', type=int, default=200, metavar='ITERATIONS')
    add('--resume', action='store_true', help='go on from the last checkpoint')
    _add_recipe(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.models.training.distributed import leads
    from seg_perception.models.training.train import train

    path = train(
        _recipe(options),
        options.output,
        device=options.device,
        resume=options.resume,
        compiled=options.compile,
        workers=options.workers,
        save_every=options.save_every,
    )
    if leads():
        print(f'wrote {path}; next: {PROGRAM} export {path} --output MODEL.onnx')
    return 0


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('recipe', 'options given here go before the preset')
    group.add_argument('--preset', default='light', choices=PRESETS, help='default: light')

    def add(name: str, text: str, kind: type = float, **more: Any) -> None:
        # What is not given stays out of the options, so that the preset holds.
        group.add_argument(name, help=text, type=kind, default=argparse.SUPPRESS, **more)

    def switch(name: str, text: str) -> None:
        both = argparse.BooleanOptionalAction
        group.add_argument(name, help=text, action=both, default=argparse.SUPPRESS)

    add('--width', 'of the crop', int)
    add('--height', 'of the crop', int)
    add('--iterations', 'steps', int)
    add('--epochs', 'rounds through the frames, which tell the iterations', int)
    add('--batch', 'frames a step, of all processes together', int)
    add('--optimizer', 'default: sgd', str, choices=OPTIMIZERS)
    add('--learning-rate', 'at the start')
    add('--lowest-rate', 'what the learning rate falls to')
    add('--power', 'of the fall; 0: the rate stays')
    add('--head-factor', 'times the learning rate, for what starts untrained')
    add('--weight-decay', 'for all parameters')
    add('--clip', 'largest norm of the gradient; 0: any')
    add('--auxiliary', 'weight of the auxiliary loss')
    add('--balance', '0 weighs all pixels alike, 1 all classes')
    add('--scale', 'zoom; 1 fits the frame to the crop', nargs=2, metavar=('MIN', 'MAX'))
    switch('--own-pixels', "zoom 1 keeps the frame's pixels")
    add('--stretch', 'largest change of the aspect ratio, as a factor')
    add('--rotation', 'largest turn in degrees, of every second frame')
    add('--largest-share', 'of a crop that one class may have')
    add('--color', 'what is varied of light and colour', str, choices=COLORS)
    add('--blur', 'share of the frames that are blurred')
    switch('--freeze-early', 'keep the pretrained layers up to stride 4')
    switch('--amp', 'mixed precision')
    add('--seed', 'of all random choices', int)


def _recipe(options: argparse.Namespace) -> Recipe:
    given = {f.name: getattr(options, f.name) for f in fields(Recipe) if hasattr(options, f.name)}
    values = {**preset(options.preset), **given}
    if 'iterations' in given and 'epochs' not in given:
        values['epochs'] = 0
    return Recipe(
        **{
            **values,
            'scale': tuple(values.get('scale', Recipe.scale)),
            'datasets': tuple(options.dataset),
            'shares': tuple(options.shares or [1.0] * len(options.dataset)),
            'pretrained': not options.from_scratch,
        }
    )
