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
from seg_perception.inference.choice import check_labels, create_runner, read_contract
from seg_perception.models.arguments import PROGRAM, make_parser
from seg_perception.models.dataset import CityscapesFolder, DatasetError
from seg_perception.resources import bundled_model


def main(argv: list[str] | None = None) -> int:
    """Run a command; what the user can mend ends with one line on stderr and 1."""
    options = make_parser().parse_args(argv)
    try:
        return COMMANDS[options.command](options)
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


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    'info': _info,
    'evaluate': _evaluate,
    'train': _train,
    'export': _export,
}


if __name__ == '__main__':
    sys.exit(main())
