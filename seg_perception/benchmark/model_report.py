"""What `benchmark model` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from seg_perception.benchmark.model_contest import REFERENCE, ModelResult, Settings
from seg_perception.benchmark.plots import bars
from seg_perception.benchmark.report import Report
from seg_perception.benchmark.statistics import ratios
from seg_perception.benchmark.table import Table, number, percent, ratio, spread


def model_report(
    results: Sequence[ModelResult], settings: Settings, machine: Mapping[str, Any], command: str
) -> Report:
    """Return the report: a table and a plot for each model and batch."""
    return Report(
        kind='model',
        command=command,
        machine=machine,
        settings=asdict(settings),
        results={result.title: result for result in results},
        absent=_absent(results),
        tables=[_table(result) for result in results],
        plots=[
            (
                f'Images a second: {result.title}',
                bars({name: of.images_per_s for name, of in result.runtimes.items()}, 'images/s'),
            )
            for result in results
            if result.runtimes
        ],
        notes=(_note(settings),),
    )


def _absent(results: Sequence[ModelResult]) -> dict[str, str]:
    """Return why runtimes are not there: once for each where it is the same for all models."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for result in results:
        for backend, reason in result.absent.items():
            reasons.setdefault(backend, {}).setdefault(reason, []).append(result.title)
    return {
        backend if len(titles) == len(results) else f'{backend} ({"; ".join(titles)})': reason
        for backend, of in reasons.items()
        for reason, titles in of.items()
    }


def _note(settings: Settings) -> str:
    return (
        f'Each runtime in its own process; {settings.runs} rounds of {settings.seconds:g} s in '
        'shuffled order; medians over the rounds, in brackets the least and the largest; ratios '
        f'to {REFERENCE}.'
    )


def _table(result: ModelResult) -> Table:
    faster = ratios(
        {name: of.images_per_s.median for name, of in result.runtimes.items()}, REFERENCE
    )
    return Table(
        f'{result.title} (labels compared with {result.reference} on the CPU; {result.frames})',
        (
            'runtime',
            'throughput',
            'images/s',
            'p50 ms',
            'p90 ms',
            'p99 ms',
            'same labels',
            'mIoU',
            'load s',
            'host MiB',
            'CPU cores',
            'GPU MiB',
            'GPU %',
            'GPU W',
        ),
        tuple(
            (
                name,
                ratio(faster[name]),
                spread(of.images_per_s),
                spread(of.p50_ms),
                number(of.latency_ms.p90),
                number(of.latency_ms.p99),
                percent(of.agreement, 3),
                number(of.miou, 3),
                number(of.load_s),
                number(of.host_mib, 0),
                number(of.cores.median),
                number(of.gpu_mib, 0),
                number(of.gpu.percent if of.gpu else None, 0),
                number(of.gpu.watts if of.gpu else None, 0),
            )
            for name, of in result.runtimes.items()
        ),
    ).without_empty()
