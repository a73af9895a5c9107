"""Health on a live graph: /diagnostics in every state, silent cameras, simulated time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from seg_perception.core.labels import load_label_set
from test.graph.bench import Bench, pixels
from test.graph.spinner import Spinner, wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from seg_perception.core.segmenter import Prediction

ROAD = np.full((64, 128, 3), load_label_set().labels[0].color, np.uint8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx')


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {entry.key: entry.value for entry in status.values}


def test_it_reports_in_every_state(model: Path) -> None:
    with Bench(model) as bench:
        status = bench.status(DiagnosticStatus.OK, 'unconfigured')
        assert status.name == 'segmentation: segmentation'
        assert bench.transition('configure')
        entries = values(bench.status(DiagnosticStatus.OK, 'inactive'))
        assert (entries['model'], entries['backend']) == ('tiny_nearest_color', 'onnxruntime')
        assert bench.transition('activate')
        bench.await_connection()
        (labels,) = bench.listen('label')
        bench.send(ROAD)
        labels.newest()
        entries = values(bench.status(DiagnosticStatus.OK, 'active'))
        assert (entries['frames_in'], entries['frames_out']) == ('1', '1')
        assert float(entries['latency_p50_ms']) > 0
        assert entries['topic'] == '/image'


def test_bad_frames_are_a_warning(model: Path) -> None:
    with Bench(model) as bench:
        bench.activate()
        bench.listen('label')
        bench.send(ROAD, encoding='32FC1')
        status = bench.status(DiagnosticStatus.WARN, 'frames dropped: 0 stale, 1 bad')
        assert "got '32FC1'" in status.message
        assert "got '32FC1'" in values(status)['last_error']
        bench.status(DiagnosticStatus.OK, 'active')


def test_a_missing_camera_is_an_error(model: Path) -> None:
    with Bench(model, watchdog=0.1, transport='raw') as bench:
        bench.tester.destroy_publisher(bench.cameras['']['raw'])
        assert bench.transition('configure')
        assert bench.transition('activate')
        status = bench.status(DiagnosticStatus.ERROR, 'no image on /image for')
        assert 'publishers: 0; remap `image`' in status.message
        assert bench.set(watchdog=0.0) == []
        bench.status(DiagnosticStatus.OK, 'active')


def test_a_silent_camera_is_an_error_until_it_sends(model: Path) -> None:
    with Bench(model, watchdog=0.1) as bench:
        bench.activate()
        bench.listen('label')
        bench.status(DiagnosticStatus.ERROR, 'publishers: 1; the camera is silent')
        assert bench.set(watchdog=3600.0) == []
        bench.send(ROAD)
        bench.status(DiagnosticStatus.OK, 'active')


def test_a_network_that_hangs_is_an_error(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Bench(model, watchdog=0.5) as bench:
        bench.activate()
        (labels,) = bench.listen('label')
        runner, released = bench.node._runner, threading.Event()
        assert runner is not None
        infer = runner.infer

        def hang(images: npt.NDArray[np.uint8], *, want_confidence: bool) -> Prediction:
            released.wait()
            return infer(images, want_confidence=want_confidence)

        monkeypatch.setattr(runner, 'infer', hang)
        try:
            bench.send(ROAD)
            bench.status(DiagnosticStatus.ERROR, 'the network hangs or is too slow')
        finally:
            released.set()
        assert not pixels(labels.newest()).any()
        assert bench.set(watchdog=3600.0) == []
        bench.status(DiagnosticStatus.OK, 'active')


def test_a_camera_of_another_type_is_named(model: Path) -> None:
    with Bench(model, watchdog=0.1, transport='raw') as bench:
        bench.tester.destroy_publisher(bench.cameras['']['raw'])
        # A participant of its own: one that has just left a topic may still know its old type.
        stranger = Spinner(lambda context: Node('stranger', context=context))
        try:
            stranger.node.create_publisher(Clock, 'image', 1)
            assert bench.transition('configure')
            assert bench.transition('activate')
            status = bench.status(DiagnosticStatus.ERROR, 'they publish rosgraph_msgs/msg/Clock')
            assert 'expected sensor_msgs/msg/Image' in status.message
        finally:
            stranger.close()


def test_an_incompatible_quality_of_service_is_named(model: Path) -> None:
    reliable = {'qos_overrides./image.subscription.reliability': 'reliable'}
    with Bench(model, transport='raw', **reliable) as bench:
        bench.tester.destroy_publisher(bench.cameras['']['raw'])
        best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        bench.tester.create_publisher(Image, 'image', best_effort)
        assert bench.transition('configure')
        assert bench.transition('activate')
        bench.await_complaint('a publisher of /image offers a quality of service')
        assert 'RELIABILITY' in bench.node._cameras[0].complaints.last


def test_simulated_time_may_jump_back(model: Path) -> None:
    with Bench(model, use_sim_time=True, max_age=5.0) as bench:
        clock = bench.tester.create_publisher(Clock, '/clock', 10)
        bench.activate()
        (labels,) = bench.listen('label')
        wait_until(lambda: clock.get_subscription_count() == 1, 'the node to follow the clock')
        for count, second in enumerate((1000, 1010, 100, 101)):
            clock.publish(Clock(clock=Time(sec=second)))
            bench.await_time(second)
            bench.send(ROAD, header=Header(stamp=Time(sec=second)))
            assert not pixels(labels.after(count)).any()
        bench.send(ROAD, header=Header(stamp=Time(sec=1010)))  # from before the jump
        bench.await_totals(frames_in=5, frames_out=4, dropped_stale=1)
        bench.status(DiagnosticStatus.WARN, '1 stale')
