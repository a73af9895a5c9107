"""What all planner outputs of one camera cost: free space, obstacles, grid and health.

As messages: FreeSpace, LaserScan, PointCloud2, ObstacleArray and OccupancyGrid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seg_perception.benchmark.report import Report
from seg_perception.benchmark.statistics import Spread, shuffled
from seg_perception.benchmark.table import Table, spread
from seg_perception.planner.cost import planner_cost
from seg_perception.ros.load_ground import MessageMaker, message_maker

FOUND, SENT = 'found', 'found and made messages'


@dataclass(frozen=True)
class Settings:
    """How to measure; sizes are (width, height).

    :ivar camera: of the published images.
    :ivar labels: of the label grid.
    :ivar frames: of a run.
    """

    camera: tuple[int, int]
    labels: tuple[int, int]
    runs: int
    frames: int


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a frame on one core: medians and 95th percentiles, over the runs."""

    median_ms: Spread
    p95_ms: Spread
    cpu_ms: Spread


def measure_planner(settings: Settings) -> dict[str, Cost]:
    """Return what free space, obstacles, grid and health cost, with and without messages."""
    contestants: dict[str, MessageMaker] = {
        FOUND: lambda _view, _outputs: [],
        SENT: message_maker(settings.camera, settings.labels),
    }
    names = list(contestants)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for order in shuffled(len(names), settings.runs):
        for name in (names[number] for number in order):
            also = contestants[name]
            runs[name].append(planner_cost(settings.labels, frames=settings.frames, also=also))
    return {
        name: Cost(*(Spread.of([run[key] for run in told]) for key in ('median', 'p95', 'cpu')))
        for name, told in runs.items()
    }


def planner_report(
    results: Mapping[str, Cost], settings: Settings, machine: Mapping[str, Any], command: str
) -> Report:
    """Return the report."""
    (width, height), (columns, rows) = settings.camera, settings.labels
    return Report(
        kind='planner',
        command=command,
        machine=machine,
        settings=asdict(settings),
        results=dict(results),
        tables=[
            Table(
                'Milliseconds of a frame on one core',
                ('outputs', 'median', 'p95', 'CPU'),
                tuple(
                    (name, spread(of.median_ms), spread(of.p95_ms), spread(of.cpu_ms))
                    for name, of in results.items()
                ),
            )
        ],
        notes=[
            f'labels {columns}x{rows}, images {width}x{height}',
            f'{settings.runs} runs of {settings.frames} frames of a made-up street',
        ],
    )
