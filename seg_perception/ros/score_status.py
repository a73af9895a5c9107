"""The state of a score as a diagnostic status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from seg_perception.scoring.pair_scorer import Score


@dataclass(frozen=True)
class ScoreState:
    """What is known at one moment.

    :ivar topics: names of the topics of `prediction` and `truth`.
    :ivar publishers: how many each has.
    :ivar newest: the stamp of the newest image of each, ns; nothing before the first.
    :ivar counts: as `PairScorer` has them.
    :ivar complaint: why the last unusable image could not be used.
    """

    topics: Mapping[str, str]
    publishers: Mapping[str, int]
    newest: Mapping[str, int]
    counts: Mapping[str, int]
    score: Score
    complaint: str = ''


def judge(state: ScoreState, before: ScoreState | None) -> tuple[bytes, str]:
    """Return level and message of a state, given the one of the last period."""
    for name, topic in state.topics.items():
        if name not in state.newest:
            return DiagnosticStatus.WARN, (
                f'no image on {topic} yet: publishers: {state.publishers[name]}; '
                f'remap `{name}` or start what publishes it'
            )
    new = {
        name: count - (before.counts[name] if before else 0) for name, count in state.counts.items()
    }
    if new['unusable']:
        return DiagnosticStatus.WARN, f'{new["unusable"]} images not usable: {state.complaint}'
    if not state.counts['matched']:
        stamps = ', '.join(f'{name} {stamp / 1e9:.3f}' for name, stamp in state.newest.items())
        return DiagnosticStatus.WARN, (
            f'no two stamps agree yet; newest in s: {stamps}; predictions must have the stamp of '
            'their image, and the simulator must render image and truth at one moment'
        )
    if new['unknown_pixels']:
        return DiagnosticStatus.WARN, (
            f'{new["unknown_pixels"]} pixels of the truth are in no table: is `truth` the one of '
            'this simulator, and `truth_pixels` right?'
        )
    return DiagnosticStatus.OK, f'mIoU {state.score.miou:.4f} of {state.score.frames} frames'


def to_status(name: str, state: ScoreState, before: ScoreState | None) -> DiagnosticStatus:
    """Return a state as a diagnostic status of that name."""
    level, message = judge(state, before)
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=state.topics['prediction'],
        values=[KeyValue(key=key, value=value) for key, value in _values(state)],
    )


def _values(state: ScoreState) -> Iterator[tuple[str, str]]:
    yield from state.topics.items()
    yield 'frames', str(state.score.frames)
    yield 'miou', f'{state.score.miou:.6f}'
    yield 'pixel_accuracy', f'{state.score.pixel_accuracy:.6f}'
    for group, found in state.score.groups.items():
        for kind, share in (('precision', found.precision), ('recall', found.recall)):
            yield f'{group}_{kind}', '' if share is None else f'{share:.6f}'
    for name, count in state.counts.items():
        yield name, str(count)
