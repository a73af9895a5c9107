"""Frame paths beside each other: frame by frame, at their peak rate, and at fixed rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seg_perception.benchmark.contest import (
    Contest,
    Contestant,
    Entry,
    Round,
    labels_of,
    paced_round,
    timed_round,
)
from seg_perception.benchmark.gpu import GpuUse
from seg_perception.benchmark.pacing import Paced
from seg_perception.benchmark.path_jobs import (
    Camera,
    open_onnxruntime_path,
    open_own_path,
    open_torch_path,
)
from seg_perception.benchmark.search import Peak, find_peak
from seg_perception.benchmark.statistics import Latency, Spread

Image = npt.NDArray[np.uint8]

OWN = 'seg_perception'
BASELINE = 'torch eager'
_PUBLISHED = ', as published'
_FEWEST_FRAMES = 10
RUNNER_STAGES = ('infer', 'finish')
"""Of this package's path: what the runner alone takes."""


@dataclass(frozen=True)
class Settings:
    """How to measure.

    :ivar rates: fixed rates, in Hz; each path is measured at those below its peak.
    :ivar tolerance: share of frames that may be dropped at the peak.
    :ivar published: whether torch also runs the network as published, unfolded.
    :ivar peak: whether to search the peak rates and go on to the fixed ones.
    """

    backends: tuple[str, ...]
    runs: int
    seconds: float
    rates: tuple[float, ...]
    tolerance: float
    published: bool
    peak: bool = True


@dataclass(frozen=True)
class RateResult:
    """A path at one fixed rate: latency from the moment a frame is due, and the share dropped."""

    latency_ms: Latency
    drop_share: Spread


@dataclass(frozen=True)
class PathResult:
    """A frame path.

    :ivar frame_ms: median of each round, frame by frame, over the rounds.
    :ivar latency_ms: over all frames of all rounds.
    :ivar stage_ms: median of each stage.
    :ivar over_runner: time of the whole path over that of its network and finish.
    :ivar peak_hz: largest input rate that is held, over the searches; None where none was made.
    :ivar rates: by rate in Hz.
    :ivar agreement: share of pixels with the label of the first path; None where the weights are
        other ones.
    """

    load_s: float
    frame_ms: Spread
    latency_ms: Latency
    stage_ms: Mapping[str, float]
    over_runner: float
    host_mib: float
    gpu_mib: float | None
    cores: Spread
    gpu: GpuUse | None
    agreement: float | None
    peak_hz: Spread | None
    rates: Mapping[str, RateResult]


def entries(model: Path, camera: Camera, settings: Settings) -> list[Entry]:
    """Return the paths: this package's in each runtime, and the plain ones."""
    own = [
        Entry(f'{OWN}, {backend}', partial(open_own_path, backend, model, camera))
        for backend in settings.backends
    ]
    plain = []
    for device in ('cpu', 'cuda'):
        plain.append(
            Entry(
                f'onnxruntime + argmax, {device}',
                partial(open_onnxruntime_path, model, camera, device=device),
            )
        )
        for half in (False, True)[: 1 + (device == 'cuda')]:
            precision = 'FP16' if half else 'FP32'
            torch_path = partial(open_torch_path, model, camera, device=device, half=half)
            plain.append(Entry(f'{BASELINE} {precision}, {device}', torch_path))
            if settings.published:
                plain.append(
                    Entry(
                        f'{BASELINE} {precision}, {device}{_PUBLISHED}',
                        partial(torch_path, published=True),
                    )
                )
    return own + plain


def measure_paths(
    chosen: Sequence[Entry], settings: Settings
) -> tuple[dict[str, PathResult], dict[str, str]]:
    """Measure the paths; returns results, and why others could not take part, by name."""
    with Contest(chosen) as contest:
        labels = {
            contestant.name: contestant.ask(labels_of)
            for contestant in contest.present
            if not contestant.name.endswith(_PUBLISHED)
        }
        expected = next(iter(labels.values()), None)
        rounds = contest.in_turns(
            settings.runs,
            lambda contestant: contestant.ask(partial(timed_round, seconds=settings.seconds)),
            'frame by frame',
        )
        results = {
            contestant.name: replace(
                _frame_by_frame(
                    contestant, rounds[contestant.name], contest.use_in(rounds[contestant.name])
                ),
                agreement=_agreement(labels.get(contestant.name), expected),
            )
            for contestant in contest.present
        }
        if not settings.peak:
            return results, contest.absent
        peaks = contest.in_turns(
            settings.runs,
            lambda contestant: _search(contestant, results[contestant.name], settings),
            'peak rate',
        )
        for name, found in peaks.items():
            results[name] = replace(results[name], peak_hz=Spread.of([peak.hz for peak in found]))
        paced = contest.in_turns(
            settings.runs,
            lambda contestant: _at_rates(contestant, results[contestant.name], settings),
            'fixed rates',
        )
        for name, turns in paced.items():
            results[name] = replace(results[name], rates=_by_rate(turns))
        return results, contest.absent


def _agreement(labels: Image | None, expected: Image | None) -> float | None:
    return None if labels is None else float(np.mean(labels == expected))


def _frame_by_frame(
    contestant: Contestant, rounds: Sequence[Round], gpu: GpuUse | None
) -> PathResult:
    stage_ms = {
        stage: float(np.median([turn.stage_ms[stage] for turn in rounds]))
        for stage in rounds[0].stage_ms
    }
    runner = sum(stage_ms.get(stage, 0.0) for stage in RUNNER_STAGES)
    frame_ms = Spread.of([float(np.median(turn.total_ms)) for turn in rounds])
    return PathResult(
        load_s=contestant.load_s,
        frame_ms=frame_ms,
        latency_ms=Latency.of([time for turn in rounds for time in turn.total_ms]),
        stage_ms=stage_ms,
        over_runner=frame_ms.median / runner,
        host_mib=max(turn.peak_mib for turn in rounds),
        gpu_mib=contestant.gpu_mib,
        cores=Spread.of([turn.cores for turn in rounds]),
        gpu=gpu,
        agreement=None,
        peak_hz=None,
        rates={},
    )


def _search(contestant: Contestant, result: PathResult, settings: Settings) -> Peak:
    def holds(rate: float) -> bool:
        return _offer(contestant, rate, settings).drop_share <= settings.tolerance

    return find_peak(holds, 0.9e3 / result.frame_ms.median)


def _at_rates(contestant: Contestant, result: PathResult, settings: Settings) -> list[Paced]:
    peak = result.peak_hz.median if result.peak_hz else 0.0
    held = [rate for rate in settings.rates if rate <= peak]
    return [_offer(contestant, rate, settings) for rate in held]


def _offer(contestant: Contestant, rate: float, settings: Settings) -> Paced:
    # The slot hides it for a few frames that a path is too slow.
    seconds = max(settings.seconds, _FEWEST_FRAMES / rate)
    return contestant.ask(partial(paced_round, rate=rate, seconds=seconds))


def _by_rate(turns: Sequence[Sequence[Paced]]) -> dict[str, RateResult]:
    return {
        f'{same[0].rate:g}': RateResult(
            Latency.of([time for paced in same for time in paced.latency_ms]),
            Spread.of([paced.drop_share for paced in same]),
        )
        for same in zip(*turns, strict=True)
    }
