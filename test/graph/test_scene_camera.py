"""The scene camera on a live graph: what it publishes, value by value, and how it ends."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.core.compressed import decode_compressed
from seg_perception.sim.scene import Scene
from test.graph.bench import pixels
from test.graph.spinner import DOMAIN, RELIABLE, Inbox, Spinner, wait_until

TOPICS = {
    'image_raw': Image,
    'image_raw/compressed': CompressedImage,
    'camera_info': CameraInfo,
    'truth/label': Image,
}
SMALL = {'width': 160, 'height': 96, 'seed': 3}


class CameraProcess:
    """The camera in a process of its own."""

    def __init__(self, **parameters: object) -> None:
        settings = [x for name, value in parameters.items() for x in ('-p', f'{name}:={value}')]
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'seg_perception', 'scene_camera', '--ros-args', *settings],
            env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        """Wait for the end and return the exit status and the standard error."""
        _, errors = self._process.communicate(timeout=60)
        return self._process.returncode, errors

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Listener:
    """A subscriber to all that a camera may publish."""

    spinner: Spinner
    inboxes: dict[str, Inbox]

    @property
    def node(self) -> Node:
        return self.spinner.node

    def wait_for(self, *topics: str) -> None:
        for topic in topics:
            wait_until(functools.partial(self._is_there, topic), f'{topic} to be there')

    def _is_there(self, topic: str) -> bool:
        return bool(self.node.count_publishers(topic) == 1)

    def set(self, **parameters: object) -> list[Any]:
        """Set parameters of the camera and return the results."""
        client = self.node.create_client(SetParameters, 'scene_camera/set_parameters')
        wait_until(client.service_is_ready, 'the parameter service')
        request = SetParameters.Request(
            parameters=[_message(name, value) for name, value in parameters.items()]
        )
        future = client.call_async(request)
        wait_until(future.done, 'the answer of the parameter service')
        return list(future.result().results)


def _message(name: str, value: object) -> ParameterMessage:
    return Parameter(name, value=value).to_parameter_msg()


@pytest.fixture
def listener() -> Iterator[Listener]:
    spinner = Spinner(lambda context: Node('listener', context=context))
    inboxes = {topic: Inbox() for topic in TOPICS}
    for topic, kind in TOPICS.items():
        spinner.node.create_subscription(kind, topic, inboxes[topic].append, RELIABLE)
    yield Listener(spinner, inboxes)
    spinner.close()


@pytest.fixture
def camera() -> Iterator[Callable[..., CameraProcess]]:
    started = []

    def start(**parameters: object) -> CameraProcess:
        started.append(CameraProcess(**parameters))
        return started[-1]

    yield start
    for process in started:
        process.close()


def stamps(inbox: Inbox) -> list[int]:
    return [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in inbox]


def test_frame_truth_and_calibration_of_the_street(
    listener: Listener, camera: Callable[..., CameraProcess]
) -> None:
    process = camera(
        **SMALL, rate=8, frames=6, compressed=True, play=False, frame_id='front', loop=False
    )
    statuses = Inbox()
    listener.node.create_subscription(DiagnosticArray, '/diagnostics', statuses.append, RELIABLE)
    listener.wait_for(*TOPICS)
    # The camera tells its state once a second: by then it has found its subscribers.
    wait_until(lambda: len(statuses) >= 2, 'the camera to be settled')
    assert not any(listener.inboxes.values())
    assert listener.set(play=True)[0].successful
    status, errors = process.end()
    assert status == 0, errors
    wait_until(lambda: all(len(inbox) == 6 for inbox in listener.inboxes.values()), 'six of each')

    images, jpegs, infos, truths = (listener.inboxes[topic] for topic in TOPICS)
    moments = stamps(images)
    assert moments == stamps(jpegs) == stamps(infos) == stamps(truths)
    assert {m.header.frame_id for inbox in listener.inboxes.values() for m in inbox} == {'front'}
    # Steady on the camera's clock: periods of 125 ms, or several of them where one was skipped.
    steps = np.diff(moments)
    assert (steps % 125_000_000 == 0).all()
    assert (steps > 0).all()

    scene = Scene(**SMALL)
    for number in range(3):  # those that were ready before the first was due
        expected = scene.frame(number / 8)
        np.testing.assert_array_equal(pixels(images[number]), expected.bgr)
        np.testing.assert_array_equal(pixels(truths[number]), expected.label)
        decoded = decode_compressed(jpegs[number].data).bgr()
        assert np.abs(decoded.astype(int) - expected.bgr).mean() < 6
    lens = scene.intrinsics
    assert (infos[0].width, infos[0].height) == (160, 96)
    assert infos[0].k.tolist() == [lens.fx, 0, lens.cx, 0, lens.fy, lens.cy, 0, 0, 1]
    assert infos[0].p.tolist() == [lens.fx, 0, lens.cx, 0, 0, lens.fy, lens.cy, 0, 0, 0, 1, 0]

    told = {pair.key: pair.value for pair in statuses[-1].status[0].values}
    assert statuses[-1].status[0].name == 'scene_camera: camera'
    assert told['frames_published'] == '6'
    assert int(told['frames_skipped']) == (moments[-1] - moments[0]) // 125_000_000 - 5


def test_a_folder_is_shown_once_and_nothing_is_invented(
    listener: Listener, camera: Callable[..., CameraProcess], tmp_path: Path
) -> None:
    for number, level in enumerate((40, 90, 140)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((30, 40, 3), level, np.uint8))
    (tmp_path / 'notes.txt').write_text('no image')
    process = camera(source=tmp_path, rate=5, loop=False, wait_for_subscribers=1)
    listener.wait_for('image_raw')
    status, errors = process.end()
    assert status == 0, errors
    assert 'published 3 frames' in errors
    images = listener.inboxes['image_raw']
    wait_until(lambda: len(images) == 3, 'three images')
    assert [int(pixels(image).mean()) for image in images] == [40, 90, 140]
    assert [len(listener.inboxes[t]) for t in ('camera_info', 'truth/label')] == [0, 0]


def test_it_plays_until_interrupted_and_keeps_its_parameters(
    listener: Listener, camera: Callable[..., CameraProcess]
) -> None:
    process = camera(**SMALL, rate=20)
    listener.inboxes['image_raw'].after(5)
    (refused,) = listener.set(rate=30.0)
    assert not refused.successful
    assert refused.reason == 'rate cannot be changed to 30.0 at run time'
    process.interrupt()
    status, errors = process.end()
    assert status == 0, errors
    assert 'Traceback' not in errors


@pytest.mark.parametrize(
    ('parameters', 'sentence'),
    [
        (
            {'source': '/no/such/folder'},
            "no file or folder /no/such/folder; give 'scene', a folder",
        ),
        ({'rate': 0.0}, 'parameter rate must be a number from 0.1 to 240'),
        ({'rate': 'fast'}, "parameter rate must be a number from 0.1 to 240, got 'fast' (str)"),
        ({'width': 63}, 'parameter width must be a whole number from 64 to 8192'),
    ],
)
def test_a_bad_parameter_ends_it_with_one_sentence(
    camera: Callable[..., CameraProcess], parameters: dict[str, object], sentence: str
) -> None:
    status, errors = camera(**parameters).end()
    assert status == 1
    assert errors.startswith('scene_camera: ')
    assert sentence in errors
    assert errors.count('\n') == 1
