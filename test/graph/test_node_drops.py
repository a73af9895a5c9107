"""Dropped frames on a live graph: too old, too many, too late; each is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from seg_perception.core.labels import load_label_set
from test.graph.bench import Bench, counts
from test.graph.spinner import wait_until
from test.tiny_model import tiny_contract, write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROAD = np.full((64, 128, 3), load_label_set().labels[0].color, np.uint8)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx'), max_age=5.0) as bench:
        yield bench


@pytest.mark.parametrize(
    ('age', 'parts'),
    [
        (7.0, ('s old, max_age is 5 s', 'raise max_age')),
        (-9.0, ('s in the future, max_age is 5 s', 'synchronise the clocks')),
        (4000.0, ('s behind the clock of this node', 'use_sim_time')),
        (-4000.0, ('s ahead of the clock of this node', 'use_sim_time')),
    ],
)
def test_a_stale_frame(
    bench: Bench, age: float, parts: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send(ROAD, header=Header(stamp=bench.stamp(age)))
    bench.await_totals(frames_in=1, dropped_stale=1)
    bench.send(ROAD)
    labels.newest()
    bench.await_totals(frames_in=2, frames_out=1, dropped_stale=1)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if 'frame dropped' in line]
    for part in parts:
        assert part in line


def test_a_camera_without_stamps(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send(ROAD, header=Header(stamp=Time()))
    bench.await_totals(frames_in=1, dropped_stale=1)
    assert 'let the camera driver fill header.stamp' in capfd.readouterr().err
    assert bench.set(max_age=0) == []
    bench.send(ROAD, header=Header(stamp=Time()))
    assert labels.newest().header == Header()
    bench.await_totals(frames_in=2, frames_out=1, dropped_stale=1)


def test_a_flood_is_served_with_the_newest_and_every_drop_counted(tmp_path: Path) -> None:
    slow = tiny_contract(width=2048, height=1024)
    model = write_tiny_model(tmp_path / 'slow.onnx', slow)
    with Bench(model, output_size='network') as bench:
        bench.activate()
        labels, reports = bench.listen('label', 'report')
        bench.send(ROAD)
        labels.newest()
        sent = 1
        while not counts(bench.node.totals)['dropped_busy']:
            with bench.arrival():
                last = bench.send(ROAD)
            sent += 1
        assert bench.transition('deactivate')  # finishes what was accepted
        totals = counts(bench.node.totals)
        drops = totals['dropped_busy']
        assert totals['frames_in'] == sent
        assert totals['frames_out'] == sent - drops
        assert totals['dropped_stale'] == totals['dropped_bad'] == 0
        wait_until(lambda: len(labels) == sent - drops, 'all results')
        wait_until(lambda: len(reports) == sent - drops, 'all reports')
        assert labels[-1].header == last.header
        report = reports[-1]
        assert report.frames_in == sent
        assert report.frames_out == sent - drops
        assert report.dropped_busy == drops
