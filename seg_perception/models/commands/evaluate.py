"""`model evaluate`: a score by the official Cityscapes metric."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import replace
from pathlib import Path

from seg_perception.core.contract import Accuracy
from seg_perception.core.labels import load_grouping, load_label_set
from seg_perception.inference.choice import BACKENDS, check_labels, create_runner, read_contract
from seg_perception.models.commands.shared import PROGRAM, Commands, add_command, add_dataset
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.resources import bundled_model


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'evaluate',
        'score a model by the official Cityscapes metric',
        '--dataset CITYSCAPES --split val --json score.json',
    )
    parser.add_argument('--model', type=Path, help='default: the bundled model')
    add_dataset(parser, '--dataset')
    parser.add_argument('--annotation', default='gtFine', help='folder of the labels (gtFine)')
    parser.add_argument('--grouping', help='merge labels first: a name in config/labels or a path')
    parser.add_argument('--label-set', default='cityscapes', help='default: cityscapes')
    parser.add_argument('--backend', default='auto', choices=BACKENDS)
    parser.add_argument('--threads', type=int, default=0, help='0: one for each core')
    parser.add_argument('--json', type=Path, metavar='OUT', help='write the score there')
    parser.add_argument('--record', metavar='NAME', help='write mIoU and command into the model')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.core.segmenter import Segmenter
    from seg_perception.models.evaluation.score import evaluate

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
    from seg_perception.models.export.contract_file import annotate

    contract = read_contract(model)
    others = tuple(a for a in contract.accuracy if a.dataset != accuracy.dataset)
    annotate(model, replace(contract, accuracy=(*others, accuracy)))
    print(f'recorded in {model}')
