"""The node for a long time: no frame lost, processor time, and memory that does not grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NoReturn

from tqdm import tqdm

from seg_perception.benchmark.camera_ring import COUNTS_COLUMNS, counts_row
from seg_perception.benchmark.live import NAMESPACE, NODE, Load, live, node_process
from seg_perception.benchmark.notes import Counts
from seg_perception.benchmark.process_meter import Usage, cores
from seg_perception.benchmark.report import Report
from seg_perception.benchmark.table import Table, number
from seg_perception.demo.graph import Process, Value
from seg_perception.ros.load_protocol import CYCLE

_WARM_UP = 0.2
"""Share of the run after which memory must be flat."""


@dataclass(frozen=True)
class Memory:
    """A kind of memory of a process over time, after the warm-up, in MiB.

    :ivar growth: of the median of the last fifth over that of the first, as a share of that.
    :ivar deviation: largest distance from the median, as a share of that.
    """

    median: float
    least: float
    largest: float
    growth: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Memory:
        """Return what values over time say, in MiB.

        :raises ValueError: when there are fewer than ten.
        """
        if len(values) < 10:
            raise ValueError(f'memory over time: expected 10 moments or more, got {len(values)}')
        rest = values[int(_WARM_UP * len(values)) :]
        fifth = max(1, len(rest) // 5)
        first, last, middle = median(rest[:fifth]), median(rest[-fifth:]), median(rest)
        return cls(
            median=middle,
            least=min(rest),
            largest=max(rest),
            growth=last / first - 1.0,
            deviation=max(max(rest) - middle, middle - min(rest)) / middle,
        )


@dataclass(frozen=True)
class Settings:
    """How to measure.

    :ivar model: a contract file.
    :ivar parameters: of the node; `threads` of the runtime at least.
    :ivar seconds: to play, where there are no cycles.
    :ivar cycles: how often the node is configured, activated, deactivated and cleaned up.
    """

    load: Load
    model: Path
    parameters: Mapping[str, Value]
    seconds: float
    cycles: int = 0


@dataclass(frozen=True)
class Results:
    """What was measured.

    :ivar counts: of the frames; None where the node was taken through cycles, which begin to count
        anew.
    :ivar cores: processor time of the node over wall time.
    :ivar memory: resident (rss), resident in proportion (pss) and own memory of the node.
    """

    counts: Counts | None
    cores: float
    memory: Mapping[str, Memory]
    usage: Sequence[Usage]


def soak(settings: Settings, folder: Path) -> Results:
    """Run the node under a load of one camera.

    :param folder: for the logs of all processes.
    :raises ProcessError: when a process ends that should not, or does not start.
    :raises ValueError: when it was over too soon to say something about memory.
    """
    return _cycle(settings, folder) if settings.cycles else _play(settings, folder)


def _play(settings: Settings, folder: Path) -> Results:
    load = settings.load
    command = node_process(load, settings.model, **settings.parameters).command()
    with (
        live(folder / 'soak', load, command) as run,
        tqdm(total=round(settings.seconds), unit='s', leave=False) as bar,
    ):
        run.play(settings.seconds, lambda: _advance(bar, run.played))
        usage = run.usage
        notes = run.finish()
    return _results(notes.counts(load.names[0]), usage)


def _cycle(settings: Settings, folder: Path) -> Results:
    load = settings.load
    node = node_process(load, settings.model, **{**settings.parameters, 'autostart': False})
    cycles = Process(
        tool='load_cycles',
        name='load_cycles',
        parameters={'node': NODE, 'cycles': settings.cycles},
        namespace=NAMESPACE,
    )
    with (
        live(folder / 'soak', load, node.command(), connect=False) as run,
        tqdm(total=settings.cycles, unit='cycle', leave=False) as bar,
    ):
        run.start_camera(load.names[0])
        run.accompany(cycles, lambda said: _advance(bar, said.count(CYCLE)))
        usage = run.usage
    return _results(None, usage)


def _advance(bar: tqdm[NoReturn], place: float) -> None:
    bar.update(round(place) - bar.n)


def _results(counts: Counts | None, usage: Sequence[Usage]) -> Results:
    return Results(
        counts=counts,
        cores=cores(usage[0], usage[-1]),
        memory={
            kind: Memory.of([getattr(moment, f'{kind}_mib') for moment in usage])
            for kind in ('rss', 'pss', 'own')
        },
        usage=usage,
    )


def soak_report(
    results: Results, settings: Settings, machine: Mapping[str, Any], command: str
) -> Report:
    """Return the report."""
    done = f'{settings.cycles} cycles' if settings.cycles else f'{settings.seconds:g} s'
    notes = [f'{settings.load}; {done}', f'the node took {results.cores:.2f} cores']
    tables = [
        Table(
            f'Memory of the node after the first {_WARM_UP:.0%}, MiB',
            ('', 'growth', 'furthest', 'median', 'least', 'largest'),
            tuple(
                (
                    kind,
                    f'{100 * memory.growth:+.2f} %',
                    f'{100 * memory.deviation:.2f} %',
                    *(number(value) for value in (memory.median, memory.least, memory.largest)),
                )
                for kind, memory in results.memory.items()
            ),
        )
    ]
    if results.counts:
        notes += results.counts.faults or ['no frame was lost or left uncounted']
        row = ('', *counts_row(results.counts))
        tables.insert(0, Table('Frames', ('', *COUNTS_COLUMNS), (row,)))
    return Report(
        kind='soak',
        command=command,
        machine=machine,
        settings=vars(settings),
        results=vars(results),
        tables=tables,
        notes=notes,
    )
