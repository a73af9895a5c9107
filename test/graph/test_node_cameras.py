"""Several cameras, one network: each with its own topics, parameters and fate."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from seg_perception.core.labels import load_label_set
from test.graph.bench import Bench, counts, pixels
from test.graph.gate import Gate
from test.graph.spinner import Inbox, wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = load_label_set().labels
NAMES = ['front', 'left', 'rear']


def picture(train_id: int, scale: int = 1) -> np.ndarray:
    return np.full((64 * scale, 128 * scale, 3), LABELS[train_id].color, np.uint8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx')


@pytest.fixture
def bench(model: Path) -> Iterator[Bench]:
    with Bench(model, cameras=NAMES) as bench:
        yield bench


def listen(bench: Bench, output: str) -> dict[str, Inbox]:
    return {name: bench.listen(output, camera=name)[0] for name in NAMES}


def test_each_has_its_own_topics_parameters_reports_and_status(model: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'ego.png'), np.repeat([[0], [255]], 2, axis=1).astype(np.uint8))
    own = {
        'front.region': [64, 0, 64, 64],
        'rear.ego_mask': str(tmp_path / 'ego.png'),
        'left.output_size': 'network',
        'geometry': 'crop',
    }
    with Bench(model, cameras=NAMES, **own) as bench:
        bench.activate()
        labels, reports = listen(bench, 'label'), listen(bench, 'report')
        sent = {name: bench.send(picture(n, 2), camera=name) for n, name in enumerate(NAMES)}
        for number, name in enumerate(NAMES):
            message, report = labels[name].newest(), reports[name].newest()
            assert message.header == report.header == sent[name].header
            assert report.camera == name
            assert (report.frames_in, report.frames_out) == (1, 1)
            label = pixels(message)
            expected = np.full((128, 256), number, np.uint8)
            if name == 'front':  # of its region, 64x32 in the middle
                expected[:] = 255
                expected[16:48, 64:128] = number
            elif name == 'left':
                expected = expected[:64, :128]
            else:
                expected[64:] = 255
            np.testing.assert_array_equal(label, expected)
        bench.await_totals(frames_in=3, frames_out=3)
        bench.status(DiagnosticStatus.OK, 'active')
        newest = {status.name: status for status in bench.statuses.newest().status}
        assert set(newest) == {f'segmentation: {name}' for name in NAMES}
        assert {status.hardware_id for status in newest.values()} == {
            f'/{name}/image' for name in NAMES
        }


def test_overload_is_shared_and_goes_in_batches(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.activate()
    reports = listen(bench, 'report')
    with Gate(bench, monkeypatch) as gate:
        bench.send(picture(0), camera='front')
        gate.await_batch(1)
        bench.send(picture(0), camera='front')
        serving = bench.node._serving
        assert serving is not None
        wait_until(lambda: serving._prepared._item is not None, 'a second batch')
        for _ in range(4):
            for name in NAMES:
                before = bench.input(name).last_arrival
                bench.send(picture(0), camera=name)
                wait_until(lambda: bench.input(name).last_arrival != before, 'an arrival')  # noqa: B023
        gate.open()
        bench.await_totals('front', frames_in=6, frames_out=3, dropped_busy=3)
        for name in ('left', 'rear'):
            bench.await_totals(name, frames_in=4, frames_out=1, dropped_busy=3)
    bench.await_totals(frames_in=14, frames_out=5, dropped_busy=9)
    assert gate.begun == [1, 1, 3]
    for name, batches in (('front', [1, 1, 3]), ('left', [3]), ('rear', [3])):
        inbox = reports[name]
        wait_until(lambda: len(inbox) == len(batches), 'all reports')  # noqa: B023
        assert [report.batch for report in inbox] == batches


def test_a_largest_batch_is_kept_and_shared(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Bench(model, cameras=NAMES, max_batch=2) as bench:
        bench.activate()
        labels = listen(bench, 'label')
        with Gate(bench, monkeypatch) as gate:
            bench.send(picture(0), camera='front')
            gate.await_batch(1)
            for name in NAMES:
                bench.send(picture(0), camera=name)
            gate.open()
            bench.await_totals(frames_in=4, frames_out=4)
        assert gate.begun[0] == 1
        assert max(gate.begun) <= 2
        assert sum(gate.begun) == 4
        wait_until(lambda: [len(labels[name]) for name in NAMES] == [2, 1, 1], 'all masks')


def test_a_batch_is_no_larger_than_its_age_allows(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Bench(model, cameras=NAMES, max_age=3600.0) as bench:
        bench.activate()
        listen(bench, 'label')
        serving = bench.node._serving
        assert serving is not None
        with Gate(bench, monkeypatch) as gate:
            bench.send(picture(0), camera='front')
            gate.await_batch(1)
            for name in NAMES:
                bench.send(picture(0), camera=name)
            # What a batch of two frames took last, where half of max_age is for two batches.
            for slow, size in ((400.0, 3), (700.0, 2), (1300.0, 1), (9000.0, 1)):
                serving._prepared.last = 2, slow
                assert serving._fitting() == size
            gate.open()
            bench.await_totals(frames_in=4, frames_out=4)


def test_a_flood_a_death_and_a_return_leave_the_others_alone(bench: Bench) -> None:
    bench.activate()
    labels = listen(bench, 'label')
    dry = threading.Event()

    def flood() -> None:
        while not dry.is_set():
            bench.send(picture(1), camera='left')

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        for number in range(40):
            if number == 15:
                bench.withdraw('raw', 'front')
                bench.withdraw('compressed', 'front')
            sent = bench.send(picture(2), camera='rear')
            assert labels['rear'].after(number).header == sent.header
    finally:
        dry.set()
        flooding.join()
    bench.await_totals('rear', frames_in=40, frames_out=40)
    assert len(labels['left']) > 5
    front = bench.cameras['front']
    front['raw'] = bench.tester.create_publisher(front['raw'].msg_type, 'front/image', 10)

    def back() -> bool:
        bench.send(picture(0), camera='front')
        return len(labels['front']) > 0

    wait_until(back, 'the first camera to come back')
    assert bench.transition('deactivate')
    for name in NAMES:
        totals = bench.counts(name)
        assert totals['frames_in'] == totals['frames_out'] + totals['dropped_busy']
    assert counts(bench.node.totals)['frames_in'] == sum(
        bench.counts(name)['frames_in'] for name in NAMES
    )


@pytest.mark.parametrize('cameras', [['front', 'front'], ['', 'front']])
def test_names_that_do_not_go_together(model: Path, cameras: list[str]) -> None:
    with Bench(model) as bench:
        assert bench.set(cameras=cameras) == []
        assert not bench.transition('configure')
        bench.status(DiagnosticStatus.ERROR, 'parameter cameras must be different names')
        assert bench.set(cameras=['']) == []
        bench.activate()


def test_what_a_camera_has_not_of_its_own_follows_the_others(model: Path) -> None:
    with Bench(model, cameras=['front', 'rear'], **{'rear.geometry': 'letterbox'}) as bench:
        assert bench.set(geometry='crop', cameras=['front', 'rear', 'left']) == []
        assert bench.transition('configure')
        chosen = [camera.settings.geometry for camera in bench.node._cameras]
        assert chosen == ['crop', 'letterbox', 'crop']
        assert bench.set(**{'front.geometry': 'stretch'}) == [
            'front.geometry cannot change at run time: deactivate and clean up first'
        ]
        assert bench.transition('cleanup')
        assert bench.set(**{'front.geometry': 'stretch'}) == []
        assert bench.set(geometry='letterbox') == []
        assert bench.transition('configure')
        chosen = [camera.settings.geometry for camera in bench.node._cameras]
        assert chosen == ['stretch', 'letterbox', 'letterbox']
