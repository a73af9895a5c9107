"""What is published decides: topic, quality of service, and what is said of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from seg_perception.core.labels import load_label_set
from test.graph.bench import Bench, pixels
from test.graph.spinner import wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROAD = np.full((64, 128, 3), load_label_set().labels[0].color, np.uint8)
JPEG = cv2.imencode('.jpg', ROAD[:, :, ::-1])[1].tobytes()
RELIABLE = QoSProfile(depth=5)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx')) as bench:
        yield bench


def await_input(bench: Bench, text: str) -> None:
    """Wait until the node subscribes to a topic like that, and the camera knows of it."""
    topic = text.partition(' ')[0]

    def connected() -> bool:
        publishers = [p for p in bench.tester.publishers if p.topic_name == topic]
        return str(bench.input()._images) == text and any(
            publisher.get_subscription_count() == 1 for publisher in publishers
        )

    wait_until(connected, f'the node to subscribe to {text}')


def test_the_subscription_follows_the_quality_that_is_offered(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.withdraw('compressed')
    bench.activate()
    (labels,) = bench.listen('label')
    for count, (profile, text) in enumerate(
        [
            (RELIABLE, 'reliable, volatile'),
            (BEST_EFFORT, 'best effort, volatile'),
            (LATCHED, 'reliable, transient local'),
            (RELIABLE, 'reliable, volatile'),
        ]
    ):
        bench.offer('raw', profile)
        await_input(bench, f'/image ({text})')
        bench.send(ROAD)
        assert not pixels(labels.after(count)).any()
    assert (
        'subscribed anew, as it is published: /image (best effort, volatile)'
        in capfd.readouterr().err
    )
    assert 'cannot be received' not in bench.node._cameras[0].complaints.last


def test_an_image_that_was_published_before_is_received(bench: Bench) -> None:
    bench.offer('raw', LATCHED)
    bench.send(ROAD)
    assert bench.transition('configure')
    (labels,) = bench.listen('label')
    assert bench.transition('activate')
    assert not pixels(labels.newest()).any()


def test_the_subscription_follows_the_transport_that_is_used(bench: Bench) -> None:
    bench.withdraw('raw')
    assert bench.transition('configure')
    assert bench.transition('activate')
    (labels,) = bench.listen('label')
    await_input(bench, '/image/compressed (reliable, volatile)')
    sent = bench.send_compressed(JPEG)
    assert labels.newest().header == sent.header
    raw = bench.cameras['']['raw']
    bench.cameras['']['raw'] = bench.tester.create_publisher(raw.msg_type, 'image', RELIABLE)
    await_input(bench, '/image (reliable, volatile)')
    bench.send_compressed(JPEG)  # is published too, and of no interest
    sent = bench.send(ROAD)
    assert labels.after(1).header == sent.header
    bench.withdraw('raw')
    await_input(bench, '/image/compressed (reliable, volatile)')
    sent = bench.send_compressed(JPEG)
    assert labels.after(2).header == sent.header
    bench.await_totals(frames_in=3, frames_out=3)


def test_images_that_never_came_are_told_of_with_the_cure(bench: Bench) -> None:
    bench.activate()
    labels, reports = bench.listen('label', 'report')
    for number in range(100):
        if number % 4 != 3:
            stamp = Time(sec=number // 30, nanosec=number % 30 * 33_333_333)
            before = len(labels)
            bench.send(ROAD, header=Header(stamp=stamp))
            labels.after(before)
    status = bench.status(DiagnosticStatus.WARN, 'of the images on /image are lost on their way')
    assert 'fastdds_large_images.xml in its environment (docs/transport.md)' in status.message
    values = {entry.key: entry.value for entry in status.values}
    assert float(values['lost_share']) == pytest.approx(0.25, abs=0.02)
    assert reports[-1].frames_lost == int(values['frames_lost']) > 4
