"""How near a node comes to the network's own rate, measured in turns of a few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np

from seg_perception.benchmark.contest import Contestant, Entry, timed_round
from seg_perception.benchmark.gpu import GpuWatch
from seg_perception.benchmark.live import Load, live
from seg_perception.benchmark.model_job import open_model_job
from seg_perception.benchmark.process_meter import cores, measure

_WARM_UP = 3
"""First labels of a spell that do not count: the node begins with nothing to do."""

_FLOOD = 1.25
"""Rate of the camera that keeps the node busy, as a multiple of the network's."""


@dataclass(frozen=True)
class Throughput:
    """What was measured in spells under a camera that is faster than the network.

    :ivar bare_hz: images a second of the network alone, before the first spell and after each.
    :ivar node_hz: labels a second of the node, spell by spell.
    :ivar cores: processor time of the node over wall time, in its spells.
    """

    bare_hz: Sequence[float]
    node_hz: Sequence[float]
    cores: float

    @property
    def share(self) -> float:
        """Mean of the node's rate over the network's right before and right after it.

        A machine that others use is not equally fast for long: only neighbours are compared.
        """
        around = pairwise(self.bare_hz)
        return mean(
            2 * rate / (before + after)
            for rate, (before, after) in zip(self.node_hz, around, strict=True)
        )


@contextmanager
def network_alone(model: Path, threads: int) -> Iterator[Callable[[float], float]]:
    """Yield what tells how many images a second the runner makes of one, tried for some seconds.

    It has a process of its own.

    :raises ContestantError: when the model cannot be run.
    """
    frame = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    open_job = partial(open_model_job, 'onnxruntime', model, [frame], 1, threads)
    with GpuWatch() as gpu:
        contestant = Contestant(Entry('bare runner', open_job), gpu)
        try:
            yield (
                lambda seconds: (
                    1e3 / mean(contestant.ask(partial(timed_round, seconds=seconds)).total_ms)
                )
            )
        finally:
            contestant.close()


def measure_throughput(
    folder: Path,
    load: Load,
    command: Sequence[str],
    alone: Callable[[float], float],
    *,
    spells: int,
    seconds: float,
) -> Throughput:
    """Measure the network alone and the node in turns, both in processes that stay.

    :param folder: for logs and counts; made anew.
    :param load: of one camera, but for its rate.
    :param command: starts the node.
    :param alone: as `network_alone` yields it.
    :param seconds: of each spell of the node; the network alone gets half of them.
    :raises ProcessError, ContestantError: when a process ends or does not start.
    :raises ValueError: when too few frames came out in a spell.
    """
    (camera,) = load.names
    rate = _FLOOD * mean(alone(seconds / 2) for _ in range(2))
    used = []
    with live(folder, replace(load, rate=rate), list(command)) as run:
        run.play(seconds)
        run.stop_cameras()
        bare_hz = [alone(seconds / 2)]
        for _ in range(spells):
            run.start_cameras()
            before = measure(run.node.process.pid)
            run.play(seconds)
            used.append(cores(before, run.usage[-1]))
            run.stop_cameras()
            bare_hz.append(alone(seconds / 2))
        notes = run.finish()
    node_hz = [notes.rate(camera, spell, _WARM_UP) for spell in range(1, spells + 1)]
    if not all(node_hz):
        raise ValueError(
            f'expected more than {_WARM_UP + 1} labels in each spell of {seconds:g} s, got less '
            f'in spell {node_hz.index(0.0) + 1}: play longer'
        )
    return Throughput(bare_hz, node_hz, mean(used))
