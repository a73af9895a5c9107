"""The three threads of the node: what they hold, in which order, and what they outlive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from seg_perception.core.labels import load_label_set
from test.graph.bench import Bench, pixels
from test.graph.gate import Gate
from test.graph.spinner import wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sensor_msgs.msg import Image

LABELS = load_label_set().labels


def picture(train_id: int) -> np.ndarray:
    return np.full((64, 128, 3), LABELS[train_id].color, np.uint8)


def stamps(messages: list[Image]) -> list[tuple[int, int]]:
    return [(message.header.stamp.sec, message.header.stamp.nanosec) for message in messages]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx')) as bench:
        yield bench


def test_no_stage_queues_and_what_was_begun_is_published_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.activate()
    labels, reports = bench.listen('label', 'report')
    with Gate(bench, monkeypatch) as gate:
        sent = []
        for number in range(5):
            with bench.arrival():
                sent.append(bench.send(picture(number)))
            if number == 0:
                gate.await_batch(1)
            elif number == 1:
                # It is prepared already, as nothing is known yet of how long the network takes.
                wait_until(
                    lambda: bench.node._serving._prepared._item is not None,  # type: ignore[union-attr]
                    'the second frame to be prepared',
                )
        # One at the network, one prepared, one waiting; the others were replaced in the mailbox.
        bench.await_totals(frames_in=5, dropped_busy=2)
        gate.open()
        bench.await_totals(frames_in=5, frames_out=3, dropped_busy=2)
    wait_until(lambda: len(labels) == len(reports) == 3, 'all results')
    assert stamps(labels) == stamps(reports) == stamps([sent[0], sent[1], sent[4]])
    assert [int(pixels(label)[0, 0]) for label in labels] == [0, 1, 4]
    assert gate.begun == [1, 1, 1]


def test_masks_that_became_stale_in_the_network_are_not_published(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    assert bench.set(max_age=1.0) == []
    with Gate(bench, monkeypatch) as gate:
        old = bench.send(picture(0))
        gate.await_batch(1)
        clock = bench.node.get_clock()
        due = old.header.stamp.sec * 10**9 + old.header.stamp.nanosec + 1.1e9
        wait_until(lambda: clock.now().nanoseconds > due, 'the frame to become stale')
        gate.open()
        bench.await_totals(frames_in=1, dropped_stale=1)
        bench.await_complaint('s old, max_age is 1 s')
        assert bench.set(max_age=0.0) == []
        new = bench.send(picture(1))
        assert labels.newest().header == new.header
    assert len(labels) == 1


@pytest.mark.parametrize('stage', ['prepare', 'infer', 'publish'])
def test_a_stage_that_raises_costs_that_frame_alone(
    bench: Bench, stage: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    camera = bench.node._cameras[0]
    target, name = {
        'prepare': (camera, 'view'),
        'infer': (bench.node._runner, 'infer'),
        'publish': (camera.publishers, 'publish'),
    }[stage]

    def fail(*_: object, **__: object) -> None:
        raise MemoryError('no more of it')

    with monkeypatch.context() as patch:
        patch.setattr(target, name, fail)
        bench.send(picture(0))
        bench.await_totals(frames_in=1, dropped_bad=1)
    bench.send(picture(1))
    assert (pixels(labels.newest()) == 1).all()
    bench.await_totals(frames_in=2, frames_out=1, dropped_bad=1)
    lines = [line for line in capfd.readouterr().err.splitlines() if 'frame dropped' in line]
    assert len(lines) == 1
    assert "unexpected MemoryError('no more of it')" in lines[0]
