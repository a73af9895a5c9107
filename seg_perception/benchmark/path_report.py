"""What `benchmark path` shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seg_perception.benchmark.path_contest import BASELINE, OWN, PathResult, Settings
from seg_perception.benchmark.plots import bars, stacks
from seg_perception.benchmark.report import Report
from seg_perception.benchmark.statistics import ratios
from seg_perception.benchmark.table import NOTHING, Table, number, percent, ratio, spread

_STAGE_ORDER = ('decode', 'prepare', 'infer', 'finish', 'masks')


def path_report(
    results: Mapping[str, PathResult],
    absent: Mapping[str, str],
    about: Mapping[str, Any],
    settings: Settings,
    *,
    machine: Mapping[str, Any],
    command: str,
    stages: bool,
) -> Report:
    """Return the report of a contest of frame paths.

    :param about: the model and the camera, for the JSON and the notes.
    :param stages: also show where the milliseconds of a frame go.
    """
    baseline = next((name for name in results if name.startswith(BASELINE)), next(iter(results)))
    tables = [_speed(results, baseline)]
    if settings.peak:
        tables.append(_rates(results))
    plots = [
        (
            'Milliseconds a frame',
            bars({name: result.frame_ms for name, result in results.items()}, 'ms'),
        ),
    ]
    peaks = {name: of.peak_hz for name, of in results.items() if of.peak_hz}
    if peaks:
        plots.append(('Peak input rate', bars(peaks, 'Hz')))
    if stages:
        tables.append(_stages(results))
        by_stage = {name: ordered(result.stage_ms) for name, result in results.items()}
        plots.append(('Where the milliseconds of a frame go', stacks(by_stage)))
    return Report(
        kind='path',
        command=command,
        machine=machine,
        settings={**about, **vars(settings)},
        results=results,
        absent=absent,
        tables=tables,
        plots=plots,
        notes=(_note(about, settings, baseline),),
    )


def _note(about: Mapping[str, Any], settings: Settings, baseline: str) -> str:
    return (
        f'{about["camera"]} -> {about["model"]} -> label, drivable and obstacle mask at the '
        f"camera's size; each path in its own process; {settings.runs} rounds of "
        f'{settings.seconds:g} s in shuffled order; medians over the rounds, in brackets the least '
        f'and the largest; ratios to {baseline}. Only {OWN} makes a confidence, and nothing is '
        'drivable without.'
    )


def ordered(stage_ms: Mapping[str, float]) -> dict[str, float]:
    """Return stages in the order in which a frame goes through them."""
    known = [stage for stage in _STAGE_ORDER if stage in stage_ms]
    return {
        stage: stage_ms[stage]
        for stage in [*known, *(stage for stage in stage_ms if stage not in known)]
    }


def _speed(results: Mapping[str, PathResult], baseline: str) -> Table:
    base = results[baseline]
    faster = ratios(
        {name: 1 / result.frame_ms.median for name, result in results.items()}, baseline
    )
    higher = ratios(
        {name: of.peak_hz.median if of.peak_hz else None for name, of in results.items()}, baseline
    )
    memory = ratios({name: result.host_mib for name, result in results.items()}, baseline)
    return Table(
        f'Frame by frame (ratios to {baseline}, {base.frame_ms.median:.1f} ms)',
        (
            'path',
            'speed',
            'peak rate',
            'memory',
            'ms a frame',
            'p99 ms',
            'peak Hz',
            'host MiB',
            'CPU cores',
            'GPU MiB',
            'GPU %',
            'GPU W',
            'path / runner',
            'same labels',
            'load s',
        ),
        tuple(
            (
                name,
                ratio(faster[name]),
                ratio(higher[name]),
                ratio(memory[name]),
                spread(result.frame_ms),
                number(result.latency_ms.p99),
                spread(result.peak_hz) if result.peak_hz else NOTHING,
                number(result.host_mib, 0),
                number(result.cores.median),
                number(result.gpu_mib, 0),
                number(result.gpu.percent if result.gpu else None, 0),
                number(result.gpu.watts if result.gpu else None, 0),
                ratio(result.over_runner),
                percent(result.agreement, 3),
                number(result.load_s),
            )
            for name, result in results.items()
        ),
    ).without_empty()


def _rates(results: Mapping[str, PathResult]) -> Table:
    return Table(
        'At fixed rates up to the peak (latency from the moment a frame is due)',
        ('path', 'rate Hz', 'p50 ms', 'p90 ms', 'p99 ms', 'dropped'),
        tuple(
            (
                name,
                rate,
                number(at.latency_ms.p50),
                number(at.latency_ms.p90),
                number(at.latency_ms.p99),
                percent(at.drop_share.median, 1),
            )
            for name, result in results.items()
            for rate, at in result.rates.items()
        ),
    )


def _stages(results: Mapping[str, PathResult]) -> Table:
    names = list(ordered({stage: 0.0 for of in results.values() for stage in of.stage_ms}))
    return Table(
        'Where the milliseconds of a frame go (median of each stage)',
        ('path', *names, 'frame'),
        tuple(
            (
                name,
                *(number(result.stage_ms.get(stage), 2) for stage in names),
                number(result.frame_ms.median, 2),
            )
            for name, result in results.items()
        ),
    )
