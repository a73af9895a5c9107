"""`replay compare`: where two runs of one input differ, and whether that is too much."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from seg_perception.replay.commands.shared import Commands, add_command

THRESHOLDS_NOT_KEPT = 3
"""The exit status then; 1 and 2 are errors."""


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'compare',
        'compare two runs of one input: two models, two runtimes, before and after',
        'before after --output difference --fail-under 0.99',
    )
    add = parser.add_argument
    add('first', type=Path, metavar='A', help='a run, as `replay run` wrote it')
    add('second', type=Path, metavar='B', help='another run of the same input')
    add('--output', type=Path, metavar='DIR', help='write compare.json, junit.xml and index.html')
    add('--worst', type=int, default=6, help='frames shown on the page (6)')
    gates = parser.add_argument_group(
        'thresholds',
        f'where one is not kept, or frames are in one run only, the status is '
        f'{THRESHOLDS_NOT_KEPT}',
    )
    for name, text in (
        ('--fail-under', 'share of all pixels that have the same label, 0 to 1'),
        ('--fail-under-iou', 'mean IoU over the classes'),
        ('--fail-under-frame', 'share of the pixels of every single frame'),
    ):
        gates.add_argument(name, type=float, metavar='SHARE', help=text)
    gates.add_argument(
        '--fail-over-drivable',
        type=int,
        metavar='PIXELS',
        help='pixels of any frame that are drivable in B only',
    )
    metres = parser.add_argument_group('metres', 'on flat ground, of cameras with calibration')
    metres.add_argument('--mount-height', type=float, metavar='M', help='of the cameras')
    metres.add_argument(
        '--mount-pitch', type=float, default=0.0, metavar='DEG', help='downwards (0)'
    )


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from seg_perception.replay.compare import MASKS, compare
    from seg_perception.replay.gates import Gates, junit
    from seg_perception.replay.metres import FreeSpaceGap
    from seg_perception.replay.run_folder import Run
    from seg_perception.replay.run_reader import labels_of

    first, second = Run.load(options.first), Run.load(options.second)
    gap = None
    if options.mount_height is not None:
        gap = FreeSpaceGap(labels_of(first), options.mount_height, options.mount_pitch)
    found = compare(first, second, gap)
    gates = Gates(
        options.fail_under,
        options.fail_under_iou,
        options.fail_under_frame,
        options.fail_over_drivable,
    )
    verdicts = gates.verdicts(found)
    for name, iou in found.class_iou.items():
        if iou is not None:
            print(f'{name:16} {iou:.4f}')
    print(f'{"mean IoU":16} {found.mean_iou:.4f}')
    print(f'{"same label":16} {found.agreement:.4%}, worst frame {found.worst_agreement:.4%}')
    for mask in MASKS:
        print(f'{mask:16} {found.only(mask)[0]} pixels only in A, {found.only(mask)[1]} only in B')
    for verdict in verdicts:
        print(f'{"kept" if verdict.kept else "NOT KEPT":16} {verdict.name}: {verdict.said}')
    if options.output:
        from seg_perception.replay.compare_page import render_page

        options.output.mkdir(parents=True, exist_ok=True)
        name = f'{options.first} and {options.second}'
        for file, text in (
            ('compare.json', json.dumps(found.to_json(), indent=1) + '\n'),
            ('junit.xml', junit(verdicts, name)),
            ('index.html', render_page(first, second, found, verdicts, options.worst)),
        ):
            (options.output / file).write_text(text, encoding='utf-8')
    return 0 if all(verdict.kept for verdict in verdicts) else THRESHOLDS_NOT_KEPT
