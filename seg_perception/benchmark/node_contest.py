"""The node over DDS beside a plain node, and beside the network alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from seg_perception.benchmark.added import Turn, median_turn, take_turn
from seg_perception.benchmark.live import Load, node_process
from seg_perception.benchmark.report import Report
from seg_perception.benchmark.statistics import Spread, shuffled
from seg_perception.benchmark.table import NOTHING, Table, number, ratio, spread
from seg_perception.benchmark.throughput import (
    Throughput,
    measure_throughput,
    network_alone,
)
from seg_perception.demo.graph import Value

OURS = 'segmentation_node'
PLAIN = 'plain node'
CAREFUL = 'plain node, labels at network size'

_SPELLS = 6
"""How often a run of the flooded node and the network alone take turns."""

_SHORTEST_SPELL_S = 2.0


@dataclass(frozen=True)
class Settings:
    """How to measure.

    :ivar load: of one camera, at a rate that all can serve.
    :ivar model: a contract file.
    :ivar null_model: one that costs next to nothing.
    :ivar parameters: of the node; `threads` of the runtime at least.
    :ivar seconds: of each run.
    :ivar plain_node: the script of the plain node; None where it is not at hand.
    :ivar peak_hz: of the camera that floods the node with the null model.
    """

    load: Load
    model: Path
    null_model: Path
    parameters: Mapping[str, Value]
    runs: int
    seconds: float
    plain_node: Path | None
    peak_hz: float = 100.0

    @property
    def threads(self) -> int:
        """CPU threads of the runtime; 0: one a core."""
        return int(str(self.parameters['threads']))


@dataclass(frozen=True)
class Results:
    """What was measured, a value each run.

    :ivar added: by node, at the rate that all can serve.
    :ivar flooded: the node under a camera that is faster than the network.
    :ivar peak: likewise, with the null model.
    """

    added: Mapping[str, Sequence[Turn]]
    flooded: Sequence[Throughput]
    peak: Sequence[Turn]

    @property
    def ratios(self) -> dict[str, float]:
        """The time that the node adds over the time that each of the others adds."""
        ours = median_turn(self.added[OURS]).added_ms
        return {
            name: ours / median_turn(turns).added_ms
            for name, turns in self.added.items()
            if name != OURS
        }

    @property
    def throughput(self) -> list[float]:
        """Rate of the flooded node over that of the network alone, in each run."""
        return [turn.share for turn in self.flooded]


def measure_node(settings: Settings, folder: Path) -> Results:
    """Measure, all in turns.

    :param folder: for the logs of all processes.
    :raises ProcessError, ContestantError: when a process ends or does not start.
    :raises ValueError: when too few frames came out.
    """
    commands = _commands(settings)
    added: dict[str, list[Turn]] = {name: [] for name in commands}
    flooded: list[Throughput] = []
    peak: list[Turn] = []
    peak_load = replace(settings.load, rate=settings.peak_hz)
    peak_command = node_process(peak_load, settings.null_model, **settings.parameters).command()
    with tqdm(total=settings.runs * (len(commands) + 2), unit='run', leave=False) as bar:

        def turn(what: str, load: Load, command: list[str]) -> Turn:
            bar.set_postfix_str(what)
            taken = take_turn(folder / f'{bar.n}', load, command, settings.seconds)
            bar.update()
            return taken

        for order in shuffled(len(commands), settings.runs):
            for name in (list(commands)[index] for index in order):
                added[name].append(turn(name, settings.load, commands[name]))
            bar.set_postfix_str('flooded, and the network alone, in turns')
            with network_alone(settings.model, settings.threads) as alone:
                throughput = measure_throughput(
                    folder / f'{bar.n}',
                    settings.load,
                    commands[OURS],
                    alone,
                    spells=_SPELLS,
                    seconds=max(settings.seconds / 3, _SHORTEST_SPELL_S),
                )
            flooded.append(throughput)
            bar.update()
            peak.append(turn('peak', peak_load, peak_command))
    return Results(added, flooded, peak)


def node_report(
    results: Results, settings: Settings, machine: Mapping[str, Any], command: str
) -> Report:
    """Return the report."""
    absent = {} if settings.plain_node else {PLAIN: 'it is in the source tree only'}
    return Report(
        kind='node',
        command=command,
        machine=machine,
        settings=vars(settings),
        results={
            'ratios': results.ratios,
            'added': results.added,
            'throughput': results.throughput,
            'flooded': results.flooded,
            'peak': results.peak,
        },
        absent=absent,
        tables=[_added_table(results), _rate_table(results)],
        notes=[
            f'{settings.load}; medians of {settings.runs} runs of {settings.seconds:g} s',
            'added: from the arrival of an image to the end of publishing, without the network',
        ],
    )


def _commands(settings: Settings) -> dict[str, list[str]]:
    node = node_process(settings.load, settings.model, **settings.parameters)
    commands = {OURS: node.command()}
    if settings.plain_node:
        for name, size in ((PLAIN, 'camera'), (CAREFUL, 'network')):
            plain = replace(
                node,
                parameters={
                    'model': str(settings.model),
                    'threads': settings.threads,
                    'upsample': size,
                },
            )
            commands[name] = [sys.executable, str(settings.plain_node), *plain.arguments()]
    return commands


def _added_table(results: Results) -> Table:
    stages = [stage for stage in results.added[OURS][0].stage_ms if stage != 'total']
    rows = []
    for name, turns in results.added.items():
        turn = median_turn(turns)
        times = [turn.added_ms, *(turn.stage_ms[stage] for stage in stages), turn.latency_ms]
        rows.append(
            (
                name,
                ratio(results.ratios.get(name)),
                *(number(milliseconds) for milliseconds in times),
                number(turn.cores, 2),
            )
        )
    columns = ('node', "node's over it", 'added', *stages, 'latency', 'cores')
    return Table('Time added to the network, ms', columns, tuple(rows))


def _rate_table(results: Results) -> Table:
    share = Spread.of([100 * value for value in results.throughput])
    bare_hz = median(rate for turn in results.flooded for rate in turn.bare_hz)
    node_hz = median(rate for turn in results.flooded for rate in turn.node_hz)
    used, peak = median(turn.cores for turn in results.flooded), median_turn(results.peak)
    return Table(
        'Rate under a faster camera',
        ('', '% of the network alone', 'Hz', 'cores'),
        (
            ('network alone', number(100.0), number(bare_hz, 2), NOTHING),
            (OURS, spread(share), number(node_hz, 2), number(used, 2)),
            (f'{OURS}, null model', NOTHING, number(peak.rate, 2), number(peak.cores, 2)),
        ),
    )
