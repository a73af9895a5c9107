"""`model`: train, export, evaluate and describe models."""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from seg_perception.core.contract import Accuracy, ModelContract
from seg_perception.core.labels import LabelError, load_grouping, load_label_set
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.choice import BACKENDS, check_labels, create_runner, read_contract
from seg_perception.models.dataset import CityscapesFolder, DatasetError
from seg_perception.resources import bundled_model

PROGRAM = 'python3 -m seg_perception model'


def main(argv: list[str] | None = None) -> int:
    """Run a command; what the user can mend ends with one line on stderr and 1."""
    options = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except (DatasetError, LabelError, ModelError, RunnerError, OSError, ValueError) as error:
        print(f'model {options.command}: {error}', file=sys.stderr)
        return 1
    except ImportError as error:
        print(f'model {options.command}: {error}; install requirements/train.txt', file=sys.stderr)
        return 1


def _info(options: argparse.Namespace) -> int:
    contract = read_contract(options.file or bundled_model())
    batch = 'N' if contract.batch is None else contract.batch
    logits_width, logits_height = contract.logits_size
    rows = {
        'name': contract.name,
        'architecture': contract.architecture,
        'input': f'image uint8 [{batch}, {contract.height}, {contract.width}, 3] RGB',
        'output': (
            f'logits float [{batch}, {len(contract.labels)}, {logits_height}, {logits_width}], '
            f'stride {contract.stride}, align_corners {str(contract.align_corners).lower()}'
        ),
        'label set': f'{contract.label_set}: {", ".join(label.name for label in contract.labels)}',
        'trained on': contract.trained_on,
        'licence': f'weights: {contract.weights_license}; data: {contract.data_license}',
        'source': contract.source_url or '-',
        'source sha256': contract.source_sha256 or '-',
        'date': contract.date,
    }
    for name, value in rows.items():
        print(f'{name:14} {value}')
    for accuracy in contract.accuracy:
        print(f'{"mIoU":14} {accuracy.miou:.4f} on {accuracy.dataset}')
        print(f'{"":14} $ {accuracy.command}')
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from seg_perception.core.segmenter import Segmenter
    from seg_perception.models.evaluate import evaluate

    model = options.model or bundled_model()
    labels = load_label_set(options.label_set)
    grouping = load_grouping(options.grouping, labels) if options.grouping else None
    folder = CityscapesFolder(options.dataset, options.split, labels, options.annotation)
    with create_runner(options.backend, model, threads=options.threads) as runner:
        check_labels(runner.contract, labels)
        result = evaluate(Segmenter(runner), folder, labels, grouping)
        name = runner.contract.name
    for class_name, iou in result.class_iou.items():
        print(f'{class_name:16} {"-" if iou is None else f"{iou:.4f}"}')
    print(f'{"mIoU":16} {result.miou:.4f}')
    print(f'{"pixel accuracy":16} {result.pixel_accuracy:.4f}  ({result.frames} frames)')
    if options.json:
        report = {
            'miou': result.miou,
            'class_iou': dict(result.class_iou),
            'pixel_accuracy': result.pixel_accuracy,
            'frames': result.frames,
            'model': name,
            'backend': runner.name,
            'split': options.split,
            'grouping': options.grouping,
        }
        options.json.write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
    if options.record:
        _record(Path(model), Accuracy(result.miou, options.record, _evaluate_command(options)))
    return 0


def _evaluate_command(options: argparse.Namespace) -> str:
    words = ['--dataset', str(options.dataset), '--split', options.split]
    if options.grouping:
        words += ['--grouping', options.grouping]
    return f'{PROGRAM} evaluate {shlex.join(words)}'


def _record(model: Path, accuracy: Accuracy) -> None:
    from seg_perception.models.export import annotate

    contract = read_contract(model)
    others = tuple(a for a in contract.accuracy if a.dataset != accuracy.dataset)
    annotate(model, replace(contract, accuracy=(*others, accuracy)))
    print(f'recorded in {model}')


def _train(options: argparse.Namespace) -> int:
    from seg_perception.models.train import Recipe, train

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


def _export(options: argparse.Namespace) -> int:
    from seg_perception.models.export import MIN_AGREEMENT, agreement, export
    from seg_perception.models.train import load_checkpoint

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
    )
    export(network, contract, options.output)
    count = min(options.check_frames, len(folder))
    share = agreement(network, options.output, (folder.image(index) for index in range(count)))
    print(f'torch and {options.output} give the same label on {share:.6%} of {count} frames')
    if share < MIN_AGREEMENT:
        raise ValueError(
            f'expected at least {MIN_AGREEMENT:.2%}, got {share:.6%}; do not use {options.output}'
        )
    return 0


def _parser() -> argparse.ArgumentParser:
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
    run: Callable[[argparse.Namespace], int],
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=f'{text[0].upper()}{text[1:]}.',
        epilog=f'example:\n  {PROGRAM} {name} {example}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_info(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, 'info', _info, 'print what a model file says of itself', 'MODEL.onnx')
    parser.add_argument('file', nargs='?', type=Path, help='default: the bundled model')


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands,
        'evaluate',
        _evaluate,
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
        _train,
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
        _export,
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


if __name__ == '__main__':
    sys.exit(main())
