"""Launch files of simulators and recordings: tables everywhere, the real thing where launch is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.messages import IMAGE, deserialize, message_type, serialize
from seg_perception.ros.bag_player import PARAMETERS as PLAYER_PARAMETERS
from seg_perception.ros.bag_recorder import PARAMETERS as RECORDER_PARAMETERS
from seg_perception.ros.score_node import PARAMETERS as SCORE_PARAMETERS
from test.launch.test_launch_files import LAUNCH, _output, _run_launch, needs_launch, table
from test.tiny_model import write_tiny_model

SECOND = 1_000_000_000


@pytest.mark.parametrize('file', ['simulator.launch.py', 'replay.launch.py'])
def test_every_argument_has_a_description(file: str) -> None:
    rows = table(file, 'ARGUMENTS')
    assert len({row[0] for row in rows}) == len(rows)
    assert all(str(text).endswith('.') for *_, text in rows)


def test_topics_of_the_simulators_are_made_of_arguments() -> None:
    arguments = {name: name for name, *_ in table('simulator.launch.py', 'ARGUMENTS')}
    simulators = {
        str(name): [str(topic).format(**arguments) for topic in topics]
        for name, *topics, _, _ in table('simulator.launch.py', 'SIMULATORS')
    }
    assert simulators == {
        'carla': [
            '/carla/role_name/camera/image',
            '/carla/role_name/camera/camera_info',
            '/carla/role_name/truth_camera/image',
        ],
        'awsim': ['/sensing/camera/camera/image_raw', '/sensing/camera/camera/camera_info', ''],
        'gazebo': ['/camera/image', '/camera/camera_info', '/truth_camera/labels_map'],
    }


def test_what_the_launch_files_set_are_parameters() -> None:
    rules = {rule.name: rule for rule in PLAYER_PARAMETERS}
    for name, kind, default, _ in table('replay.launch.py', 'PLAYER'):
        rule = rules[str(name)]
        assert rule.kind.__name__ == kind
        assert str(PLAYER_PARAMETERS[rule]).lower() == default
    assert {'bag', 'wait_for'} <= rules.keys()
    assert {'output', 'topics'} == {rule.name for rule in RECORDER_PARAMETERS}
    scores = {rule.name for rule in SCORE_PARAMETERS}
    assert {'truth', 'truth_pixels', 'grouping', 'output'} <= scores


def write_bag(folder: Path, frames: int) -> dict[int, int]:
    """Write images of a camera, ten a second; return the value of each by stamp."""
    shades = {}
    with BagWriter(folder) as writer:
        writer.add_topic('/front/image', IMAGE)
        for number in range(frames):
            stamp = 1_700_000_000 * SECOND + number * SECOND // 10
            shades[stamp] = 10 * number
            time = message_type('builtin_interfaces/msg/Time')(*divmod(stamp, SECOND))
            header = message_type('std_msgs/msg/Header')(time, 'front_optical')
            pixels = np.full(32 * 64 * 3, shades[stamp], np.uint8)
            image = message_type(IMAGE)(header, 32, 64, 'rgb8', 0, 64 * 3, pixels)
            writer.write('/front/image', stamp, bytes(serialize(image)))
    return shades


@needs_launch
def test_a_recording_goes_through_the_node_in_launch(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    shades = write_bag(tmp_path / 'bag', 6)
    options = {
        'bag': tmp_path / 'bag',
        'image': '/front/image',
        'record': tmp_path / 'out',
        'outputs': 'label',
        'model': model,
        'rate': 0.2,
    }
    process = _run_launch('run', LAUNCH / 'replay.launch.py', **options)
    status, text = process.wait(120), _output(process)
    assert status == 0, text
    assert 'Traceback' not in text
    labels = {}
    for record in BagReader(tmp_path / 'out').records():
        message = deserialize(record)
        stamp = message.header.stamp.sec * SECOND + message.header.stamp.nanosec
        labels[stamp] = np.unique(message.data).tolist()
        assert record.topic.name == '/segmentation/label'
        # Simulated time: recorded when the recording was made, not now.
        assert 0 <= record.time - stamp < 10 * SECOND
    assert labels.keys() == shades.keys(), text


@needs_launch
def test_a_simulator_that_is_not_known_is_told() -> None:
    process = _run_launch('run', LAUNCH / 'simulator.launch.py', simulator='unreal')
    assert process.wait(60) == 1
    assert 'simulator: expected one of carla, awsim, gazebo' in _output(process)
