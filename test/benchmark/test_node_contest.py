from __future__ import annotations

import json
from pathlib import Path

import pytest

from seg_perception.benchmark.added import Turn, median_turn, turn_of
from seg_perception.benchmark.live import Load
from seg_perception.benchmark.node_contest import (
    CAREFUL,
    OURS,
    PLAIN,
    Results,
    Settings,
    node_report,
)
from seg_perception.benchmark.notes import Notes
from seg_perception.benchmark.throughput import Throughput

SETTINGS = Settings(
    load=Load(rate=2.0),
    model=Path('model.onnx'),
    null_model=Path('null.onnx'),
    parameters={'threads': 1},
    runs=3,
    seconds=5.0,
    plain_node=Path('plain_node.py'),
)


def turn(added_ms: float, rate: float = 2.0) -> Turn:
    stages = {'infer': 80.0, 'finish': added_ms / 2, 'total': 80.0 + added_ms}
    return Turn(added_ms, stages, latency_ms=90.0 + added_ms, rate=rate, cores=0.5, frames=10)


RESULTS = Results(
    added={
        OURS: [turn(10.0), turn(30.0), turn(12.0)],
        PLAIN: [turn(100.0), turn(96.0), turn(90.0)],
        CAREFUL: [turn(24.0), turn(24.0), turn(99.0)],
    },
    flooded=[
        Throughput(bare_hz=[10.0, 10.0], node_hz=[9.0], cores=1.0),
        Throughput(bare_hz=[11.0, 13.0], node_hz=[12.0], cores=1.25),
        Throughput(bare_hz=[8.0, 8.0], node_hz=[7.6], cores=1.5),
    ],
    peak=[turn(0.0, 50.0), turn(0.0, 40.0), turn(0.0, 60.0)],
)


def test_a_turn_tells_what_is_added_without_the_first_frames() -> None:
    reports = [[0, 0, n, [5.0 + n, 10.0 * n]] for n in range(8)]
    results = [[0, 0, 0, n, 10**9 * n, 10**9 * n + 10**6 * n] for n in range(8)]
    notes = Notes(
        {
            'cameras': [''],
            'outputs': ['label'],
            'results': results,
            'stages': ['infer', 'total'],
            'reports': reports,
            'counts': {},
        },
        {},
    )
    told = turn_of(notes, 0.25)
    # Of frames 3 to 7: total - infer is 9 n - 5.
    assert told.added_ms == 9 * 5 - 5
    assert told.stage_ms == {'infer': 10.0, 'total': 50.0}
    assert told.latency_ms == 5.0
    assert told.rate == pytest.approx(4 / 4.004)
    assert (told.cores, told.frames) == (0.25, 5)


def test_a_turn_without_enough_frames_is_refused() -> None:
    notes = Notes(
        {
            'cameras': [''],
            'outputs': ['label'],
            'results': [],
            'stages': ['infer', 'total'],
            'reports': [[0, 0, 0, [1.0, 2.0]]],
            'counts': {},
        },
        {},
    )
    with pytest.raises(ValueError, match='more than 3 frames with a report, got 1: play longer'):
        turn_of(notes, 0.0)


def test_medians_are_taken_figure_by_figure() -> None:
    middle = median_turn(RESULTS.added[OURS])
    assert (middle.added_ms, middle.latency_ms, middle.frames) == (12.0, 102.0, 30)
    assert middle.stage_ms == {'infer': 80.0, 'finish': 6.0, 'total': 92.0}


def test_the_report_has_ratios_first_and_every_run() -> None:
    assert RESULTS.ratios == {PLAIN: 12 / 96, CAREFUL: 12 / 24}
    assert RESULTS.throughput == [0.9, 1.0, 0.95]
    machine = {'cpu': 'a CPU', 'cores': 2, 'memory_gib': 4, 'gpu': 'none', 'load_average': [0.1]}
    report = node_report(RESULTS, SETTINGS, machine, 'benchmark node')
    text = report.text()
    assert '1 x 2048x1024 rgb8 at 2 Hz, reliable; medians of 3 runs of 5 s' in text
    rows = {line.split('  ')[0]: line.split() for line in text.splitlines()}
    assert rows[PLAIN][2:4] == ['0.12×', '96.0']
    assert rows['segmentation_node, null model'][-2:] == ['50.00', '0.50']
    assert '95.0 (90.0–100.0)' in text
    figures = json.loads(report.json())['results']
    assert figures['ratios'] == {PLAIN: 0.125, CAREFUL: 0.5}
    assert [run['added_ms'] for run in figures['added'][OURS]] == [10.0, 30.0, 12.0]
    assert figures['throughput'] == [0.9, 1.0, 0.95]
    assert [run['node_hz'] for run in figures['flooded']] == [[9.0], [12.0], [7.6]]
    assert rows['network alone'][-3:] == ['100.0', '10.00', '–']
    assert rows[OURS][-2:] == ['9.00', '1.25']
