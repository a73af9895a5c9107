from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from seg_perception.benchmark.notes import Notes, Published

OUTPUTS = ['label', 'drivable']


def notes_of(
    *cameras: str,
    results: Iterable[tuple[int, int, int, int, int, int]] = (),
    counts: dict[str, dict[str, int]] | None = None,
    published: dict[str, list[Published]] | None = None,
    killed: frozenset[str] = frozenset(),
    reports: Iterable[Any] = (),
) -> Notes:
    told = {
        'cameras': list(cameras),
        'outputs': OUTPUTS,
        'results': list(results),
        'stages': ['infer', 'total'],
        'reports': list(reports),
        'counts': counts or {},
    }
    return Notes(told, published or {}, killed)


def rows(
    camera: int, numbers: Iterable[int], *, run: int = 0, outputs: Iterable[int] = (0, 1)
) -> list[tuple[int, int, int, int, int, int]]:
    """Results that arrive 0.1 s after their stamps, which are 1 s apart; a start has 1000 s."""
    stamps = {n: (1000 * run + n) * 10**9 for n in numbers}
    return [
        (camera, output, run, n, stamp, stamp + 10**8)
        for n, stamp in stamps.items()
        for output in outputs
    ]


def test_a_run_without_loss_has_no_faults() -> None:
    notes = notes_of(
        '',
        results=rows(0, [0, 2, 3]),
        counts={'': {'frames_in': 4, 'frames_out': 3, 'dropped_busy': 1, 'frames_lost': 7}},
        published={'': [Published(run=0, frames=4, skipped=2)]},
    )
    counts = notes.counts('')
    assert (counts.published, counts.skipped) == (4, 2)
    assert (counts.frames_in, counts.frames_out, counts.dropped) == (4, 3, 1)
    assert (counts.results, counts.gaps, counts.lost) == (3, 1, 0)
    assert counts.faults == []
    assert notes.latencies('') == [100.0, 100.0, 100.0]


def test_every_kind_of_fault_is_told() -> None:
    twice = rows(0, [0, 1, 2])
    late = [(0, 0, 0, 4, 4 * 10**9, 9 * 10**9), (0, 0, 0, 3, 3 * 10**9, 9 * 10**9)]
    notes = notes_of(
        '',
        results=[*twice, *rows(0, [2], outputs=[0]), *late, *rows(0, [4], outputs=[1])],
        counts={'': {'frames_in': 7, 'frames_out': 5, 'dropped_busy': 1}},
        published={'': [Published(run=0, frames=8, skipped=0)]},
    )
    assert notes.counts('').faults == [
        '1 images lost on the way to the node',
        '1 results lost on the way from it',
        '1 frames that the node took in and did not count',
        '2 frames without a label or a count',
        '1 results that came twice',
        '1 results out of order',
    ]


def test_of_a_killed_camera_only_what_lies_between_its_results_can_be_missed() -> None:
    """Its first frames may have met nobody, its last may never have left."""
    notes = notes_of(
        'front',
        results=[*rows(0, [5, 6, 8], run=0), *rows(0, [0, 1], run=1)],
        counts={'front': {'frames_in': 5, 'frames_out': 5}},
        published={'front': [Published(run=1, frames=3, skipped=0)]},
        killed=frozenset({'front'}),
    )
    counts = notes.counts('front')
    assert counts.published is None
    assert counts.lost_on_the_way_in is None
    assert counts.gaps == 1 + 1  # frame 7 of the first start, frame 2 of the second
    assert counts.faults == ['2 frames without a label or a count']


def test_a_camera_without_a_single_result_is_all_gap() -> None:
    notes = notes_of('', published={'': [Published(run=0, frames=6, skipped=0)]})
    assert notes.counts('').gaps == 6
    assert notes.rates() == {'': 0.0}


def test_a_rate_is_of_one_start_of_a_camera_without_its_first_labels() -> None:
    quick = [(0, 0, 1, n, 0, 10**12 + n * 10**8) for n in range(6)]
    late = [(0, 0, 2, 0, 0, 0), *((0, 0, 2, n, 0, (9 + 2 * n) * 10**9) for n in range(1, 4))]
    notes = notes_of('a', 'b', results=[*rows(1, range(9), run=1), *late, *quick])
    assert notes.rate('a', 1) == pytest.approx(10.0)
    assert notes.rate('a', 2, skip=1) == pytest.approx(0.5)
    assert notes.rate('b', 1, skip=7) == 1.0
    assert (notes.rate('b', 1, skip=8), notes.rate('b', 0)) == (0.0, 0.0)


def test_rates_and_lead_are_those_of_the_time_that_cameras_have_in_common() -> None:
    notes = notes_of(
        'a',
        'b',
        results=[*rows(0, range(20)), *rows(1, range(4, 15, 2))],
    )
    assert notes.rates() == {'a': 1.0, 'b': 0.5}
    # Between 4 s and 14 s: a has its 11th label before b has its 6th.
    assert notes.lead() == 6


def test_cameras_that_take_turns_are_never_more_than_one_label_apart() -> None:
    first = [(0, 0, 0, n, n, 2 * n) for n in range(50)]
    second = [(1, 0, 0, n, n, 2 * n + 1) for n in range(50)]
    assert notes_of('a', 'b', results=[*second, *first]).lead() == 1


def test_stages_are_told_frame_by_frame() -> None:
    reports = [[0, 0, n, [n, 10 * n]] for n in range(4)]
    notes = notes_of('', reports=reports)
    assert notes.stages == ['infer', 'total']
    assert notes.stage('total') == [0.0, 10.0, 20.0, 30.0]
    assert notes.stage('infer', skip=2) == [2.0, 3.0]


@pytest.mark.parametrize('missing', ['a', 'b'])
def test_without_a_label_of_each_camera_there_is_no_lead(missing: str) -> None:
    camera = 1 if missing == 'a' else 0
    assert notes_of('a', 'b', results=rows(camera, range(9))).lead() == 0
