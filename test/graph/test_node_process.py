"""segmentation_node as a process of its own: start, arguments, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from seg_perception.core.labels import load_label_set
from seg_perception.resources import config_file
from seg_perception.ros.image_messages import jpeg_message
from seg_perception.ros.settings import DEFAULTS_FILE, RULES
from test.graph.bench import pixels, raw_message
from test.graph.spinner import DOMAIN, RELIABLE, Inbox, Spinner, find_service, wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rclpy.task import Future

ROAD = np.full((64, 128, 3), load_label_set().labels[0].color, np.uint8)

JPEG = jpeg_message(Header(), ROAD[:, :, ::-1], 95)


class NodeProcess:
    """segmentation_node with its output in a file."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        with log.open('wb') as output:
            self.process = subprocess.Popen(
                [sys.executable, '-m', 'seg_perception', 'segmentation_node', *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)},
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def await_output(self, text: str) -> None:
        wait_until(lambda: text in self.output, f'{text!r} in the output')

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def started() -> Iterator[list[NodeProcess]]:
    processes: list[NodeProcess] = []
    yield processes
    for node in processes:
        node.process.kill()
        node.process.wait()


@pytest.mark.parametrize(
    ('number', 'transport', 'message'),
    [(signal.SIGINT, 'raw', raw_message(ROAD)), (signal.SIGTERM, 'compressed', JPEG)],
)
def test_it_serves_by_itself_and_ends_cleanly(
    tmp_path: Path,
    started: list[NodeProcess],
    number: signal.Signals,
    transport: str,
    message: Image | CompressedImage,
) -> None:
    topic = '/front/image_raw' + ('/compressed' if transport == 'compressed' else '')
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    values = {'model': model, 'max_age': 0, 'watchdog': 0, 'transport': transport}
    arguments = ['--ros-args', '--params-file', str(config_file(DEFAULTS_FILE))]
    for name, value in values.items():
        arguments += ['-p', f'{name}:={value}']
    arguments += ['-r', 'image:=/front/image_raw', '-r', '__ns:=/car']
    node = NodeProcess(tmp_path / 'log', *arguments)
    started.append(node)
    tester = Spinner(lambda context: Node('tester', context=context))
    try:
        labels = Inbox()
        subscription = tester.node.create_subscription(
            Image, '/car/segmentation/label', labels.append, RELIABLE
        )
        camera = tester.node.create_publisher(type(message), topic, QoSProfile(depth=1))
        node.await_output(f'segmenting the images of {topic}\n')
        wait_until(lambda: subscription.get_publisher_count() == 1, 'the label topic')

        def served() -> bool:
            camera.publish(message)
            return len(labels) > 3

        wait_until(served, 'labels')
        assert not pixels(labels[-1]).any()
        camera.publish(message)
        assert node.end(number) == 0
    finally:
        tester.close()
    assert 'frames in: ' in node.output
    assert 'Traceback' not in node.output
    assert 'ERROR' not in node.output


def test_without_a_model_it_waits_for_a_better_one(
    tmp_path: Path, started: list[NodeProcess]
) -> None:
    node = NodeProcess(tmp_path / 'log', '--ros-args', '-p', f'model:={tmp_path}/none.onnx')
    started.append(node)
    node.await_output('cannot configure')
    assert node.process.poll() is None
    assert node.end(signal.SIGINT) == 0
    assert node.output.count('[ERROR]') == 1


def test_a_malformed_request_does_not_end_it(tmp_path: Path, started: list[NodeProcess]) -> None:
    node = NodeProcess(tmp_path / 'log', '--ros-args', '-p', 'autostart:=false')
    started.append(node)
    tester = Spinner(lambda context: Node('tester', context=context))
    try:
        client = find_service(tester.node, SetParameters, '/segmentation/set_parameters')

        def ask(kind: int) -> Future:
            value = ParameterValue(type=kind, double_value=3.0)
            parameters = [Parameter(name='max_age', value=value)]
            return client.call_async(SetParameters.Request(parameters=parameters))

        ask(77)
        node.await_output('a callback failed: ValueError')
        answer = ask(ParameterType.PARAMETER_DOUBLE)
        wait_until(answer.done, 'an answer')
        assert answer.result().results[0].successful
    finally:
        tester.close()
    assert node.end(signal.SIGINT) == 0


@pytest.mark.parametrize(
    'arguments', [('-p', 'max_age:=[1,'), ('--params-file', '/no/such/file.yaml'), ('--nonsense',)]
)
def test_bad_arguments_end_with_a_sentence(
    tmp_path: Path, started: list[NodeProcess], arguments: tuple[str, ...]
) -> None:
    node = NodeProcess(tmp_path / 'log', '--ros-args', *arguments)
    started.append(node)
    assert node.process.wait(30) == 2
    assert 'segmentation_node: ' in node.output
    assert arguments[-1] in node.output
    assert 'Traceback' not in node.output


def test_it_explains_itself(tmp_path: Path, started: list[NodeProcess]) -> None:
    node = NodeProcess(tmp_path / 'log', '--help')
    started.append(node)
    assert node.process.wait(30) == 0
    for name in RULES:
        assert f'  {name} (' in node.output
