"""`model evaluate`: a score by the Cityscapes metric, as text, JSON and a page."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seg_perception.core.contract import Accuracy, ModelContract
from seg_perception.core.labels import load_grouping, load_label_set
from seg_perception.inference.choice import BACKENDS, check_labels, create_runner, read_contract
from seg_perception.models.commands.shared import PROGRAM, Commands, add_command, add_dataset
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.models.evaluation.views import MEANS, AveragingSegmenter, Windows
from seg_perception.resources import bundled_model

if TYPE_CHECKING:
    from seg_perception.models.evaluation.score import Score


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'evaluate',
        'score a model by the official Cityscapes metric',
        '--dataset CITYSCAPES --split val --json score.json --html score.html',
    )
    add = parser.add_argument
    add('--model', type=Path, help='default: the bundled model')
    add_dataset(parser, '--dataset')
    add('--annotation', default='gtFine', help='folder of the labels (gtFine)')
    add('--grouping', help='merge labels first: a name in config/labels or a path')
    add('--label-set', default='cityscapes', help='default: cityscapes')
    add('--backend', default='auto', choices=BACKENDS)
    add('--threads', type=int, default=0, help='0: one for each core')
    views = parser.add_argument_group('views', 'several views of an image, averaged')
    views.add_argument('--flip', action='store_true', help='see each view in a mirror, too')
    views.add_argument('--sliding', action='store_true', help='slide a window over the image')
    for name, text in (
        ('--crop', "of the window, in the camera's pixels (the network's input)"),
        ('--stride', 'from window to window (two thirds of the window)'),
    ):
        views.add_argument(name, type=int, nargs=2, metavar=('WIDTH', 'HEIGHT'), help=text)
    views.add_argument('--mean', default='logits', choices=MEANS, help='of what (logits)')
    results = parser.add_argument_group('results')
    results.add_argument('--json', type=Path, metavar='OUT', help='write the score there')
    results.add_argument('--html', type=Path, metavar='OUT', help='write a page for people there')
    results.add_argument('--worst', type=int, default=6, help='worst frames on the page (6)')
    results.add_argument('--record', metavar='NAME', help='write mIoU and command into the model')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.core.segmenter import Segmenter
    from seg_perception.models.evaluation.page import write_page
    from seg_perception.models.evaluation.report import Report, file_sha256
    from seg_perception.models.evaluation.score import evaluate
    from seg_perception.models.evaluation.worst import WorstFrames

    _check(options)
    model = Path(options.model or bundled_model())
    labels = load_label_set(options.label_set)
    grouping = load_grouping(options.grouping, labels) if options.grouping else None
    folder = CityscapesFolder(options.dataset, options.split, labels, options.annotation)
    worst = WorstFrames(options.worst if options.html else 0, labels, grouping)
    with create_runner(options.backend, model, threads=options.threads) as runner:
        contract = runner.contract
        check_labels(contract, labels)
        windows = _windows(options, contract)
        averaged = windows is not None or options.flip
        labeller = (
            AveragingSegmenter(runner, windows, flip=options.flip, mean=options.mean)
            if averaged
            else Segmenter(runner)
        )
        score = evaluate(labeller, folder, labels, grouping, worst.add)
    print_score(score)
    report = Report(
        score=score,
        frame_names=[frame.name for frame in folder.frames],
        model=contract.name,
        contract=contract,
        sha256=file_sha256(model),
        backend=runner.name,
        dataset=str(options.dataset),
        split=options.split,
        label_set=labels.name,
        grouping=options.grouping,
        windows=windows,
        flip=options.flip,
        mean=options.mean if averaged else None,
        command=_command(options, with_model=True),
    )
    if options.json:
        report.write(options.json)
    if options.html:
        write_page(options.html, report, worst.frames(), labels, grouping)
    if options.record:
        _record(model, Accuracy(score.miou, options.record, _command(options)))
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse before hours of work what could not be used after them."""
    for name in ('json', 'html'):
        path: Path | None = getattr(options, name)
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise ValueError(f'--{name}: expected a file in a folder that exists, got {path}')
    for name in ('crop', 'stride'):
        if getattr(options, name) and not options.sliding:
            raise ValueError(f'--{name}: expected --sliding beside it, got none')
    if options.mean != 'logits' and not (options.sliding or options.flip):
        raise ValueError(f'--mean {options.mean}: expected --sliding or --flip beside it, got none')
    if options.worst < 0:
        raise ValueError(f'--worst: expected 0 frames or more, got {options.worst}')


def _windows(options: argparse.Namespace, contract: ModelContract) -> Windows | None:
    if not options.sliding:
        return None
    crop = tuple(options.crop) if options.crop else contract.size
    return Windows(crop, tuple(options.stride)) if options.stride else Windows.overlapping(crop)


def print_score(score: Score) -> None:
    """Print the numbers, a line each."""
    for class_name, iou in score.class_iou.items():
        print(f'{class_name:16} {"-" if iou is None else f"{iou:.4f}"}')
    print(f'{"mIoU":16} {score.miou:.4f}')
    print(f'{"pixel accuracy":16} {score.pixel_accuracy:.4f}  ({score.frames} frames)')
    for name, group in score.groups.items():
        for kind, share in (('precision', group.precision), ('recall', group.recall)):
            print(f'{f"{name} {kind}":18} {"-" if share is None else f"{share:.4f}"}')


def _command(options: argparse.Namespace, *, with_model: bool = False) -> str:
    """Return the command that gives the same score again."""
    words = ['--dataset', str(options.dataset), '--split', options.split]
    if with_model and options.model:
        words = ['--model', str(options.model), *words]
    for name, default in (
        ('annotation', 'gtFine'),
        ('label_set', 'cityscapes'),
        ('grouping', None),
    ):
        value = getattr(options, name)
        if value != default:
            words += [f'--{name.replace("_", "-")}', value]
    for name in ('sliding', 'flip'):
        if getattr(options, name):
            words.append(f'--{name}')
    for name in ('crop', 'stride'):
        if getattr(options, name):
            words += [f'--{name}', *map(str, getattr(options, name))]
    if options.mean != 'logits':
        words += ['--mean', options.mean]
    return f'{PROGRAM} evaluate {shlex.join(words)}'


def _record(model: Path, accuracy: Accuracy) -> None:
    from seg_perception.models.export.contract_file import annotate

    contract = read_contract(model)
    others = tuple(a for a in contract.accuracy if a.dataset != accuracy.dataset)
    annotate(model, replace(contract, accuracy=(*others, accuracy)))
    print(f'recorded in {model}')
