"""Several cameras through one node: rates, fairness, what the death of one does to the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from seg_perception.benchmark.chaos import Chaos
from seg_perception.benchmark.live import Load, live, node_process
from seg_perception.benchmark.notes import Counts, Notes
from seg_perception.benchmark.process_meter import cores
from seg_perception.benchmark.report import Report
from seg_perception.benchmark.table import Table, number
from seg_perception.demo.graph import Value


@dataclass(frozen=True)
class Settings:
    """How to measure.

    :ivar model: a contract file.
    :ivar parameters: of the node; `threads` of the runtime at least.
    :ivar chaos: whether cameras die and come back meanwhile.
    :ivar seed: of their order.
    """

    load: Load
    model: Path
    parameters: Mapping[str, Value]
    seconds: float
    chaos: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Results:
    """What became of the frames.

    :ivar counts: by camera.
    :ivar rates: labels in a second, by camera.
    :ivar latency_ms: median from stamp to the arrival of the label, by camera.
    :ivar lead: by how many labels a camera was ever ahead of another; None where cameras died.
    :ivar ended: how often a camera was ended.
    :ivar cores: processor time of the node over wall time.
    """

    counts: Mapping[str, Counts]
    rates: Mapping[str, float]
    latency_ms: Mapping[str, float]
    lead: int | None
    ended: int
    cores: float

    @property
    def spread(self) -> float:
        """How much slower the slowest camera is than the fastest, as a share of that."""
        rates = self.rates.values()
        return 1.0 - min(rates) / max(rates) if any(rates) else 1.0

    @property
    def faults(self) -> list[str]:
        """What must not be: losses that no count explains, doubles, wrong order; one line each."""
        return [
            f'{name}: {fault}' for name, counts in self.counts.items() for fault in counts.faults
        ]


def measure_cameras(settings: Settings, folder: Path) -> Results:
    """Run the node under the load.

    :param folder: for the logs of all processes.
    :raises ProcessError: when a process ends that should not, or does not start.
    """
    load = settings.load
    command = node_process(load, settings.model, **settings.parameters).command()
    with (
        live(folder / 'ring', load, command) as run,
        tqdm(total=round(settings.seconds), unit='s', leave=False) as bar,
    ):
        chaos = Chaos(run, seed=settings.seed)

        def each() -> None:
            bar.update(round(run.played) - bar.n)
            if settings.chaos:
                chaos()

        run.play(settings.seconds, each)
        usage = run.usage
        notes = run.finish()
    return results_of(notes, cores(usage[0], usage[-1]), chaos.ended)


def results_of(notes: Notes, used: float, ended: int) -> Results:
    """Return what the notes of a run say."""
    return Results(
        counts={name: notes.counts(name) for name in notes.cameras},
        rates=notes.rates(),
        latency_ms={name: median(notes.latencies(name) or [0.0]) for name in notes.cameras},
        lead=None if ended else notes.lead(),
        ended=ended,
        cores=used,
    )


def cameras_report(
    results: Results, settings: Settings, machine: Mapping[str, Any], command: str
) -> Report:
    """Return the report."""
    lead = '' if results.lead is None else f'; largest lead of one: {results.lead} frames'
    notes = [
        f'{settings.load}; {settings.seconds:g} s; the node took {results.cores:.2f} cores',
        f'rates differ by {100 * results.spread:.1f} %{lead}',
    ]
    if settings.chaos:
        notes.append(f'a camera was killed or ended {results.ended} times (seed {settings.seed})')
    notes += results.faults or ['no frame was lost, doubled, disordered or left uncounted']
    rows = [
        (
            name or 'camera',
            *counts_row(counts),
            number(results.rates[name], 2),
            number(results.latency_ms[name]),
        )
        for name, counts in results.counts.items()
    ]
    columns = ('camera', *COUNTS_COLUMNS, 'Hz', 'latency ms')
    return Report(
        kind='cameras',
        command=command,
        machine=machine,
        settings=vars(settings),
        results={**vars(results), 'spread': results.spread, 'faults': results.faults},
        tables=[Table('Frames', columns, tuple(rows))],
        notes=notes,
    )


COUNTS_COLUMNS = ('published', 'in', 'out', 'dropped', 'results', 'lost')


def counts_row(counts: Counts) -> tuple[str, ...]:
    """Return the cells of `COUNTS_COLUMNS`."""
    published = '?' if counts.published is None else str(counts.published)
    known = (counts.frames_in, counts.frames_out, counts.dropped, counts.results, counts.lost)
    return published, *map(str, known)
