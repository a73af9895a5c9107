"""planner_check: what a planner gets, against the exact world of made-up streets."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from seg_perception.core.ground.health import HealthLimits
from seg_perception.core.ground.view import GroundOptions, GroundOutputs, GroundView
from seg_perception.core.labels import LabelError, LabelSet, load_label_set
from seg_perception.inference.base import ModelError, Runner, RunnerError
from seg_perception.inference.choice import check_labels, create_runner
from seg_perception.planner.cost import planner_cost
from seg_perception.planner.grid_errors import GridErrors
from seg_perception.planner.page import write_page
from seg_perception.planner.pictures import frame_picture
from seg_perception.planner.range_errors import RangeErrors
from seg_perception.planner.steadiness import Steadiness
from seg_perception.planner.street import StreetFrame, scene_camera, sequence, street_frames
from seg_perception.resources import bundled_model

Image = npt.NDArray[np.uint8]

FIRST_SEED = 900_000
"""Streets that no model was trained on."""

SUMMARY, PAGE = 'summary.json', 'index.html'

DEFAULT_SIZE = (640, 360)
"""(width, height) of the labels where no model says otherwise."""

MOST_RANGE_ERROR, MOST_OCCUPIED = 0.03, 0.005
"""What is asked of true labels: median error of the range up to 30 m, free cells truly occupied."""

TRUE = 'true labels'

RATE, VOTES = 10.0, (1, 3, 5)
"""Frames a second of the sequences that votes are tried on, and how many frames vote."""

_MOST_PICTURES = 4
_SEQUENCES, _LENGTH = 5, 12

LabelMaker: TypeAlias = Callable[[StreetFrame], tuple[Image, Image]]
"""Returns label and confidence of a frame, uint8 [H, W]."""


@dataclass
class Judge:
    """The errors of one source of labels."""

    ranges: RangeErrors = field(default_factory=RangeErrors)
    grid: GridErrors = field(default_factory=GridErrors)

    def add(self, shot: StreetFrame, view: GroundView, out: GroundOutputs) -> None:
        """Judge a frame."""
        self.ranges.add(shot.scene, shot.t, out.free_space)
        self.grid.add(shot.scene, shot.t, view, out)

    def summary(self) -> dict[str, Any]:
        """Return what is to be told."""
        return {'range_error': self.ranges.summary(), 'grid': self.grid.summary()}


class Labeller:
    """Labels frames by a runner; images and labels are of the network's sizes."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        contract = runner.contract
        if contract.label_size != contract.size:
            raise ModelError(
                f'model {contract.name}: expected one that labels every pixel of its input '
                f'{contract.size}, got labels of {contract.label_size}'
            )

    def label(self, shot: StreetFrame) -> tuple[Image, Image]:
        """Return label and confidence of a frame, uint8 [H, W]."""
        prediction = self._runner.infer(np.ascontiguousarray(shot.frame.bgr[None, ..., ::-1]))
        if prediction.confidence is None:
            raise RunnerError(f'{self._runner.name} runner: expected confidence, got none')
        return prediction.label[0], prediction.confidence[0]


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns 0 if true labels keep the limits, 1 if not or on an error."""
    words = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args(words)
    options.command = f'python3 -m seg_perception planner_check {shlex.join(words)}'.rstrip()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        labels = load_label_set()
        if options.no_model:
            summary = check(options, labels, None)
        else:
            with create_runner('onnxruntime', options.model or bundled_model()) as runner:
                check_labels(runner.contract, labels)
                summary = check(options, labels, runner)
    except (LabelError, ModelError, RunnerError, OSError, ValueError) as error:
        print(f'planner_check: {error}', file=sys.stderr)
        return 1
    (options.output / SUMMARY).write_text(json.dumps(summary, indent=2) + '\n', encoding='utf-8')
    write_page(options.output / PAGE, summary)
    _print(summary)
    print(f'\n{options.output / PAGE}')
    return 0 if summary['passed'] else 1


def check(options: argparse.Namespace, labels: LabelSet, runner: Runner | None) -> dict[str, Any]:
    """Judge true labels, and those of a model if there is a runner; returns the summary."""
    size = DEFAULT_SIZE if runner is None else runner.contract.size
    label_by: dict[str, LabelMaker] = {TRUE: true_labels}
    if runner is not None:
        label_by[runner.contract.name] = Labeller(runner).label
    judges, pictures = _judge(options, labels, label_by, size)
    sources = {name: judge.summary() for name, judge in judges.items()}
    error, grid = sources[TRUE]['range_error'], sources[TRUE]['grid']
    last = options.seed + options.scenes
    return {
        'command': options.command,
        'size': size,
        'scenes': options.scenes,
        'frames': options.scenes * options.frames,
        'limits': {'median_range_error': MOST_RANGE_ERROR, 'free_but_occupied': MOST_OCCUPIED},
        'passed': error['median'] <= MOST_RANGE_ERROR
        and grid['free_but_occupied'] <= MOST_OCCUPIED,
        'sources': sources,
        'votes': {
            name: _steadiness(make, labels, FIRST_SEED + last, size)
            for name, make in label_by.items()
            if name != TRUE
        },
        'cost_ms': planner_cost(size),
        'pictures': pictures,
    }


def _judge(
    options: argparse.Namespace,
    labels: LabelSet,
    label_by: Mapping[str, LabelMaker],
    size: tuple[int, int],
) -> tuple[dict[str, Judge], list[dict[str, str]]]:
    judges = {name: Judge() for name in label_by}
    pictures: list[dict[str, str]] = []
    first = FIRST_SEED + options.seed
    # The frames of a scene are seconds apart: that they differ is no fault.
    ground = GroundOptions(health=HealthLimits(max_change=1.0))
    with tqdm(
        total=options.scenes * options.frames, desc='streets', unit='frame', disable=None
    ) as progress:
        for scene, shots in street_frames(
            range(first, first + options.scenes), options.frames, size
        ):
            view = GroundView(scene_camera(scene), size, labels, ground)
            for number, shot in enumerate(shots):
                shown = {'frame': f'street {first + len(pictures)}, {shot.t:.1f} s'}
                for source, (name, make) in enumerate(label_by.items()):
                    out = view.update(*make(shot), shot.t)
                    judges[name].add(shot, view, out)
                    if number == 0 and len(pictures) < _MOST_PICTURES:
                        shown[name] = f'frame_{len(pictures)}_{source}.jpg'
                        cv2.imwrite(
                            str(options.output / shown[name]), frame_picture(shot, view, out)
                        )
                if number == 0 and len(pictures) < _MOST_PICTURES:
                    pictures.append(shown)
                progress.update()
    return judges, pictures


def _steadiness(
    make: LabelMaker, labels: LabelSet, first: int, size: tuple[int, int]
) -> list[dict[str, float]]:
    votes = [Steadiness(labels, frames) for frames in VOTES]
    with tqdm(total=_SEQUENCES * _LENGTH, desc='votes', unit='frame', disable=None) as progress:
        for seed in range(first, first + _SEQUENCES):
            for vote in votes:
                vote.begin()
            for shot in sequence(seed, _LENGTH, RATE, size):
                label, _ = make(shot)
                for vote in votes:
                    vote.add(label, shot.frame.label)
                progress.update()
    return [vote.summary() for vote in votes]


def true_labels(shot: StreetFrame) -> tuple[Image, Image]:
    """Return the true labels of a frame, all of them sure, uint8 [H, W]."""
    return shot.frame.label, np.full_like(shot.frame.label, 255)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='seg_perception planner_check',
        description='Compare free space and drivable grid with the exact world of made-up streets, '
        'from true labels and from those of a model.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('--scenes', type=_count, default=50, help='how many streets')
    add('--frames', type=_count, default=4, help='of each street')
    add('--seed', type=int, default=0, help='for other streets')
    add('--model', type=Path, metavar='MODEL.onnx', help='another than the bundled model')
    add('--no-model', action='store_true', help='judge true labels alone')
    add('--output', type=Path, default=Path('planner_check'), help='folder for the results')
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f'expected 1 to 100000, got {text}')
    return number


def _print(summary: Mapping[str, Any]) -> None:
    print(f'{summary["frames"]} frames of {summary["scenes"]} streets at {summary["size"]} labels')
    for name, source in summary['sources'].items():
        error, grid = source['range_error'], source['grid']
        print(f'{name}')
        print(
            f'  range error  median {error["median"]:.1%}, p90 {error["p90"]:.1%}, '
            f'too far by over 10 %: {error["too_far"]:.1%} of {error["bearings"]} bearings'
        )
        print(
            f'  free cells   {grid["free_but_occupied"]:.2%} occupied, '
            f'{grid["free_but_off_road"]:.2%} off the road, '
            f'{grid["visible_free_found"]:.1%} of the visible ones found'
        )
    for name, votes in summary['votes'].items():
        for vote in votes:
            print(
                f'{name}, vote of {vote["frames"]}: {vote["wrong"]:.2%} of the pixels wrong, '
                f'{vote["flicker"]:.2%} flicker, {vote["obstacle_missed"]:.2%} of obstacles missed'
            )
    cost = summary['cost_ms']
    print(
        f'cost of a frame on one core: median {cost["median"]:.2f} ms, p95 {cost["p95"]:.2f} ms, '
        f'{cost["cpu"]:.2f} ms of CPU time'
    )


if __name__ == '__main__':
    sys.exit(main())
