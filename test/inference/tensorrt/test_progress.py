from __future__ import annotations

import pytest

from seg_perception.inference.tensorrt.progress import Phases


def test_a_phase_is_a_step_of_the_one_around_it() -> None:
    told: list[tuple[float, str]] = []
    phases = Phases(lambda share, phase: told.append((share, phase)))
    phases.start('all', 2)
    phases.start('first', 4)
    phases.step('first', 0)
    phases.step('first', 2)
    phases.finish('first')
    phases.step('all', 0)
    phases.start('second', 0)  # TensorRT has phases of no steps
    phases.finish('second')
    phases.step('all', 1)
    phases.finish('all')
    assert told == [
        (0.0, 'all'),
        (0.0, 'first'),
        (0.125, 'first'),
        (0.375, 'first'),
        (0.375, 'all'),  # never falling
        (0.5, 'all'),
        (0.5, 'second'),
        (0.5, 'all'),
        (0.5, 'all'),
        (1.0, 'all'),
    ]


@pytest.mark.parametrize('steps', [1, 3])
def test_only_the_end_of_the_outermost_is_the_end(steps: int) -> None:
    told: list[float] = []
    phases = Phases(lambda share, _: told.append(share))
    phases.start('all', steps)
    phases.step('all', steps - 1)
    assert told[-1] < 1
    phases.finish('all')
    assert told[-1] == 1
