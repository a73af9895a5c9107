"""planner_trial: a planner drives by free space in made-up streets, and stops, or does not."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from seg_perception.core.labels import LabelError, LabelSet, load_label_set
from seg_perception.inference.base import ModelError, Runner, RunnerError
from seg_perception.inference.choice import check_labels, create_runner
from seg_perception.planner.check import FIRST_SEED, Labeller
from seg_perception.planner.drive import FAULTS, Course, Drive, drive
from seg_perception.resources import bundled_model
from seg_perception.sim.driven import KINDS, Blockade

SUMMARY = 'planner_trial.json'
WATCHDOG = 1.0
"""Within so many seconds of a fault the planner has to ask for standstill."""

_NEAREST, _FARTHEST = 30.0, 45.0
_ASIDE = 0.7


def courses(scenes: int, faulty: int, empty: int, seed: int = 0) -> dict[str, list[Course]]:
    """Return the drives of a trial by what they are for.

    :param scenes: how many streets with something in the way.
    :param faulty: how many of these for each fault of the camera.
    :param empty: how many streets with nothing in the way.
    """
    first = FIRST_SEED + seed
    blocked = [Course(first + n, _blockade(first + n, n)) for n in range(scenes)]
    result = {'obstacle': blocked}
    for fault in FAULTS:
        result[fault] = [
            Course(course.seed, course.blockade, fault, fault_at=0.5 + 0.1 * (n % 10))
            for n, course in enumerate(blocked[:faulty])
        ]
    result['nothing in the way'] = [Course(first + n) for n in range(empty)]
    return result


def _blockade(seed: int, number: int) -> Blockade:
    rng = np.random.default_rng((seed, 8))
    ahead, aside = rng.uniform(_NEAREST, _FARTHEST), rng.uniform(-_ASIDE, _ASIDE)
    return Blockade(KINDS[number % len(KINDS)], ahead, aside, begins=-1.0)


def summarise(name: str, given: Sequence[Course], made: Sequence[Drive]) -> dict[str, Any]:
    """Return the figures of drives of one kind."""
    gaps = [d.gap for d in made if d.stopped and np.isfinite(d.gap)]
    result: dict[str, Any] = {
        'drives': len(made),
        'stopped': sum(d.stopped for d in made),
        'collisions': dict(Counter(d.collided for d in made if d.collided)),
        'median_gap': float(np.median(gaps)) if gaps else None,
        'least_gap': min(gaps, default=None),
        'mean_speed': float(np.mean([d.mean_speed for d in made])),
    }
    if name in FAULTS:
        told = [d.told_after for d in made]
        result['told_after'] = {'median': float(np.median(told)), 'most': float(np.max(told))}
        result['stood_after'] = float(np.max([d.stood_after for d in made]))
        result['passed'] = not result['collisions'] and bool(max(told) <= WATCHDOG)
    elif name == 'obstacle':
        result['passed'] = result['stopped'] == result['drives']
    result['each'] = [
        {'seed': c.seed, 'kind': c.blockade.kind if c.blockade else '', **asdict(d)}
        for c, d in zip(given, made, strict=True)
    ]
    return result


def trial(
    plan: Mapping[str, Sequence[Course]], make: Callable[[Iterable[Course]], Iterable[Drive]]
) -> dict[str, Any]:
    """Make all drives and return their figures, by what they are for.

    :param make: makes drives, in their order.
    """
    everything = [course for given in plan.values() for course in given]
    drives = tqdm(make(everything), total=len(everything), desc='drives', disable=None)
    made = iter(drives)
    return {
        name: summarise(name, given, list(islice(made, len(given)))) for name, given in plan.items()
    }


class _Worker:
    """What a process that makes drives holds."""

    runner: Runner
    labels: LabelSet


def _load(model: Path) -> None:
    """Load what drives need; a core each is faster than all cores for one after the other."""
    _Worker.labels = load_label_set()
    _Worker.runner = create_runner('onnxruntime', model, threads=1)
    _Worker.runner.activate()


def _drive(course: Course) -> Drive:
    runner = _Worker.runner
    return drive(course, Labeller(runner).label, _Worker.labels, runner.contract.size)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns 0 if every drive ended as it should, 1 if not or on an error."""
    words = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args(words)
    try:
        plan = courses(options.scenes, options.faulty, options.empty, options.seed)
        model = options.model or bundled_model()
        with create_runner('onnxruntime', model) as runner:
            check_labels(runner.contract, load_label_set())
            contract = runner.contract
        spawn = get_context('spawn')  # a runtime does not survive a fork
        with ProcessPoolExecutor(options.jobs, spawn, _load, (model,)) as pool:
            drives = trial(plan, partial(pool.map, _drive))
        summary = {
            'command': f'python3 -m seg_perception planner_trial {shlex.join(words)}'.rstrip(),
            'model': contract.name,
            'size': contract.size,
            'watchdog': WATCHDOG,
            'passed': all(kind.get('passed', True) for kind in drives.values()),
            'drives': drives,
        }
        options.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(plain(summary), indent=2)
        (options.output / SUMMARY).write_text(text + '\n', encoding='utf-8')
    except (LabelError, ModelError, RunnerError, OSError, ValueError) as error:
        print(f'planner_trial: {error}', file=sys.stderr)
        return 1
    print('\n'.join(table(drives)))
    print(f'\n{options.output / SUMMARY}')
    return 0 if summary['passed'] else 1


def plain(value: Any) -> Any:
    """Return a value with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def table(drives: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of a trial's figures."""
    yield f'{"":20}drives  stopped  collided  gap m (least)  told s (most)'
    for name, kind in drives.items():
        collided = sum(kind['collisions'].values())
        gap = f'{_metres(kind["median_gap"])} ({_metres(kind["least_gap"])})'
        told = kind.get('told_after')
        after = f'{told["median"]:.1f} ({told["most"]:.1f})' if told else '-'
        yield f'{name:20}{kind["drives"]:6}{kind["stopped"]:9}{collided:10}{gap:>15}{after:>15}'


def _metres(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='planner_trial', description=__doc__)
    parser.add_argument('--scenes', type=int, default=50, help='streets with an obstacle')
    parser.add_argument('--faulty', type=int, default=10, help='drives for each camera fault')
    parser.add_argument('--empty', type=int, default=10, help='streets with nothing in the way')
    parser.add_argument('--seed', type=int, default=0, help='of the first street')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='processes')
    parser.add_argument('--model', type=Path, help='model file; default: the bundled one')
    parser.add_argument('--output', type=Path, default=Path('planner_output'), help='folder')
    return parser


if __name__ == '__main__':
    sys.exit(main())
