"""What a node adds to the network's time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from seg_perception.benchmark.live import Load, live
from seg_perception.benchmark.notes import Notes
from seg_perception.benchmark.process_meter import cores

_WARM_UP = 3
"""First frames that do not count: memory is taken and caches are cold."""


@dataclass(frozen=True)
class Turn:
    """One run of one node.

    :ivar added_ms: median time from the arrival of an image to the end of publishing, without the
        network's.
    :ivar stage_ms: median of each stage.
    :ivar latency_ms: median time from stamp to the arrival of the label.
    :ivar rate: labels in a second.
    :ivar cores: processor time of the node over wall time.
    :ivar frames: with a report.
    """

    added_ms: float
    stage_ms: Mapping[str, float]
    latency_ms: float
    rate: float
    cores: float
    frames: int


def take_turn(folder: Path, load: Load, command: Sequence[str], seconds: float) -> Turn:
    """Run a node under a load of one camera for a while.

    :raises ProcessError: when a process ends or does not start.
    :raises ValueError: when too few frames came out.
    """
    with live(folder, load, list(command)) as run:
        run.play(seconds)
        usage = run.usage
        notes = run.finish()
    return turn_of(notes, cores(usage[0], usage[-1]))


def turn_of(notes: Notes, used: float) -> Turn:
    """Return what the notes of a run say.

    :param used: processor time of the node over wall time.
    :raises ValueError: when too few frames came out.
    """
    (camera,) = notes.cameras
    total, infer = notes.stage('total', _WARM_UP), notes.stage('infer', _WARM_UP)
    if not total:
        raise ValueError(
            f'expected more than {_WARM_UP} frames with a report, got '
            f'{len(notes.stage("total"))}: play longer, or at a higher rate'
        )
    return Turn(
        added_ms=median(whole - network for whole, network in zip(total, infer, strict=True)),
        stage_ms={stage: median(notes.stage(stage, _WARM_UP)) for stage in notes.stages},
        latency_ms=median(notes.latencies(camera)[_WARM_UP:]),
        rate=notes.rate(camera, 0, _WARM_UP),
        cores=used,
        frames=len(total),
    )


def median_turn(turns: Sequence[Turn]) -> Turn:
    """Return the medians over several runs, figure by figure."""
    return Turn(
        added_ms=median(turn.added_ms for turn in turns),
        stage_ms={
            stage: median(turn.stage_ms[stage] for turn in turns) for stage in turns[0].stage_ms
        },
        latency_ms=median(turn.latency_ms for turn in turns),
        rate=median(turn.rate for turn in turns),
        cores=median(turn.cores for turn in turns),
        frames=sum(turn.frames for turn in turns),
    )
