from __future__ import annotations

import json
from pathlib import Path

import pytest

from seg_perception.demo.progress import progress_line
from seg_perception.demo.summary import Counts, Summary

COUNTS = Counts(frames_in=10, frames_out=6, busy=2, stale=1, bad=1)


def summary() -> Summary:
    return Summary(
        counts=COUNTS,
        arrivals=[0.0, 0.1, 0.25, 0.3, 0.4, 0.5],
        latencies=[50.0, 40.0, 60.0, 45.0, 55.0, 150.0],
        model='tiny',
        backend='onnxruntime',
        miou=0.87654,
        class_iou={'road': 0.98765},
        frames_scored=6,
        source='scene',
        size=(640, 360),
        frames_published=12,
        frames_skipped=3,
    )


def test_summary_json_has_the_agreed_keys(tmp_path: Path) -> None:
    summary().write(tmp_path / 'summary.json')
    data = json.loads((tmp_path / 'summary.json').read_text())
    assert data['frames_in'] == 10
    assert data['frames_out'] == 6
    assert data['dropped'] == {'busy': 2, 'stale': 1, 'bad': 1}
    assert data['rate_hz'] == 10.0
    assert data['latency_ms'] == {'p50': 52.5, 'p99': 145.5}
    assert data['miou'] == 0.8765
    assert data['model'] == 'tiny'
    assert data['backend'] == 'onnxruntime'
    assert data['class_iou'] == {'road': 0.9877}
    assert data['frames_published'] == 12


def test_nothing_happened_is_told_without_numbers() -> None:
    data = Summary(counts=Counts(), arrivals=(), latencies=(), model='', backend='').to_json()
    assert data['rate_hz'] == 0
    assert data['latency_ms'] == {'p50': None, 'p99': None}
    assert data['miou'] is None
    json.dumps(data, allow_nan=False)


def test_lost_frames_are_those_the_node_never_saw() -> None:
    assert summary().lost == 2
    assert Summary(COUNTS, (), (), '', '').lost == 0


def test_counts_settle_when_every_frame_is_accounted_for() -> None:
    assert COUNTS.settled
    assert not Counts(frames_in=2, frames_out=1).settled


@pytest.mark.parametrize('swap', [False, True])
def test_the_newest_of_two_readings_has_the_larger_totals(swap: bool) -> None:
    old, new = Counts(3, 2, 0, 0, 0), Counts(5, 3, 1, 0, 0)
    assert (new.newest(old) if swap else old.newest(new)) == new


def test_progress_line() -> None:
    assert progress_line(summary(), 7.25) == (
        '  7.2 s | in 10 out 6 | 10.0 Hz | p50 52 p99 146 ms | dropped 2 busy 1 stale 1 bad | '
        'mIoU 0.877'
    )


def test_progress_line_before_the_first_result() -> None:
    line = progress_line(Summary(Counts(), (), (), '', ''), 0)
    assert 'latency –' in line
    assert 'mIoU –' in line
