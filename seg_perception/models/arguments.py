"""The command line of `model`."""

from __future__ import annotations

import argparse
from pathlib import Path

from seg_perception.inference.choice import BACKENDS

PROGRAM = 'python3 -m seg_perception model'


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; the chosen command's name is in `command`."""
    parser = argparse.ArgumentParser(
        prog='seg_perception model', description='Train, export, evaluate and describe models.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _add_info(commands)
    _add_evaluate(commands)
    _add_train(commands)
    _add_export(commands)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=f'{text[0].upper()}{text[1:]}.',
        epilog=f'example:\n  {PROGRAM} {name} {example}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_info(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, 'info', 'print what a model file says of itself', 'MODEL.onnx')
    parser.add_argument('file', nargs='?', type=Path, help='default: the bundled model')


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands,
        'evaluate',
        'score a model by the official Cityscapes metric',
        '--dataset CITYSCAPES --split val --json score.json',
    )
    parser.add_argument('--model', type=Path, help='default: the bundled model')
    _add_dataset(parser, '--dataset')
    parser.add_argument('--annotation', default='gtFine', help='folder of the labels (gtFine)')
    parser.add_argument('--grouping', help='merge labels first: a name in config/labels or a path')
    parser.add_argument('--label-set', default='cityscapes', help='default: cityscapes')
    parser.add_argument('--backend', default='auto', choices=BACKENDS)
    parser.add_argument('--threads', type=int, default=0, help='0: one for each core')
    parser.add_argument('--json', type=Path, metavar='OUT', help='write the score there')
    parser.add_argument('--record', metavar='NAME', help='write mIoU and command into the model')


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(
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


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(
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
    _add_dataset(parser, '--check-on')
    add('--check-frames', type=int, default=20, help='how many frames to compare on (20)')
    add('--trained-on', required=True, help='the data, in words')
    add('--weights-license', required=True)
    add('--data-license', required=True)


def _add_dataset(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        name,
        type=Path,
        required=True,
        metavar='DIR',
        help='leftImg8bit/<split>/<city>/*_leftImg8bit.png|jpg and gtFine/... beside it',
    )
    parser.add_argument('--split', default='val', help='default: val')
