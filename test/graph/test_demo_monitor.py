"""The demo's consumer on a live graph: what it waits for, and what it makes of a bad start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from sensor_msgs.msg import Image

from seg_perception.ros.camera_starter import CameraStarter
from test.graph.spinner import DOMAIN, RELIABLE, Spinner, wait_until


@pytest.fixture
def spinner() -> Iterator[Spinner]:
    spinner = Spinner(lambda context: Node('other', context=context))
    yield spinner
    spinner.close()


def starter(spinner: Spinner, timeout: float) -> CameraStarter:
    made = spinner.call(
        lambda: CameraStarter(spinner.node, camera='camera', results=('label',), timeout=timeout)
    )
    assert isinstance(made, CameraStarter)
    return made


def test_the_camera_plays_once_all_are_connected(spinner: Spinner) -> None:
    node = spinner.node
    asked: list[SetParameters.Request] = []

    def answer(
        request: SetParameters.Request, response: SetParameters.Response
    ) -> SetParameters.Response:
        asked.append(request)
        return response

    made = starter(spinner, timeout=60)
    node.create_service(SetParameters, 'camera/scene_camera/set_parameters', answer)
    node.create_publisher(Image, 'label', RELIABLE)
    wait_until(lambda: node.count_publishers('label') == 1, 'the results')
    assert 'nobody subscribes to /camera/image_raw' in made._missing()
    assert asked == []
    node.create_subscription(Image, 'camera/image_raw', lambda _: None, RELIABLE)
    wait_until(lambda: bool(asked), 'the camera to be asked')
    (parameter,) = asked[0].parameters
    assert parameter.name == 'play'
    assert parameter.value.bool_value is True
    assert made.failure == ''


def test_what_is_missing_is_told_after_a_while(spinner: Spinner) -> None:
    made = starter(spinner, timeout=0.5)
    wait_until(lambda: bool(made.failure), 'the failure')
    assert made.failure == (
        'the run cannot begin after 0.5 s: nobody publishes /label '
        '(the segmentation node is not configured)'
    )


def test_a_node_that_cannot_start_ends_the_monitor_with_its_reason(spinner: Spinner) -> None:
    publisher = spinner.node.create_publisher(DiagnosticArray, '/diagnostics', RELIABLE)
    names = ('frames_in', 'frames_out', 'dropped_busy', 'dropped_stale', 'dropped_bad')
    values = {'state': 'unconfigured', **dict.fromkeys(names, '0')}
    status = DiagnosticStatus(
        level=DiagnosticStatus.ERROR,
        name='segmentation: segmentation',
        message='cannot configure: no such model',
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
    monitor = subprocess.Popen(
        [sys.executable, '-m', 'seg_perception', 'demo_monitor'],
        env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: publisher.get_subscription_count() == 1, 'the monitor')
    publisher.publish(DiagnosticArray(status=[status]))
    text, _ = monitor.communicate(timeout=60)
    assert monitor.returncode == 1
    assert 'the segmentation node cannot start: cannot configure: no such model' in text
