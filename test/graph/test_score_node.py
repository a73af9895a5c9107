"""The live score: in a loop with the scene camera as the simulator, and of what does not fit."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from seg_perception.msg import Score
from seg_perception.ros.score_node import main as score_live
from seg_perception.scoring.command import main as score_offline
from test.graph.bench import raw_message
from test.graph.spinner import RELIABLE, Inbox, Spinner, find_service, wait_until
from test.graph.tool_process import ToolProcess, ros_arguments
from test.pages import Page
from test.tiny_model import tiny_contract, write_tiny_model

FRAMES = 12
PREDICTION, TRUTH = '/segmentation/label', '/camera/truth/label'


class Watcher:
    """Subscribes to what a score and a node tell."""

    def __init__(self, spinner: Spinner) -> None:
        self.spinner = spinner
        self.node = spinner.node
        self.scores, self.statuses = Inbox(), Inbox()
        self.node.create_subscription(Score, '/score/score', self.scores.append, RELIABLE)
        self.node.create_subscription(
            DiagnosticArray, '/diagnostics', self.statuses.append, RELIABLE
        )

    def values(self, name: str) -> dict[str, str]:
        """Return the newest values of a status; empty before the first."""
        return next((values for status, values in self._found(name)), {})

    def status(self, level: bytes, text: str) -> DiagnosticStatus:
        """Wait for a status of the score of that level with that text."""
        self.statuses.clear()

        def there() -> list[DiagnosticStatus]:
            found = [status for status, _ in self._found('score: score')]
            return [s for s in found if s.level == level and text in s.message]

        wait_until(lambda: bool(there()), f'a status with {text!r}')
        return there()[0]

    def _found(self, name: str) -> Iterator[tuple[DiagnosticStatus, dict[str, str]]]:
        for array in reversed(tuple(self.statuses)):
            for status in array.status:
                if status.name == name:
                    yield status, {pair.key: pair.value for pair in status.values}


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    spinner = Spinner(lambda context: Node('watcher', context=context))
    yield Watcher(spinner)
    spinner.close()


def has_subscribers(node: Node, topic: str, count: int) -> bool:
    return bool(node.count_subscribers(topic) == count)


def play(watcher: Watcher) -> None:
    """Have the camera play once the node, the score and the recorder listen."""
    node = watcher.node
    for topic, listeners in (('/camera/image_raw', 1), (PREDICTION, 2), (TRUTH, 2)):
        wait_until(partial(has_subscribers, node, topic, listeners), f'{listeners} of {topic}')
    client = find_service(node, SetParameters, '/camera/scene_camera/set_parameters')
    request = SetParameters.Request(parameters=[Parameter('play', value=True).to_parameter_msg()])
    wait_until(client.call_async(request).done, 'the camera to play')


def settled(watcher: Watcher) -> bool:
    """Tell whether the node has dealt with every frame and the score with every label."""
    node, score = watcher.values('segmentation: segmentation'), watcher.values('score: score')
    if node.get('frames_in') != str(FRAMES) or not score:
        return False
    dropped = sum(int(value) for name, value in node.items() if name.startswith('dropped_'))
    out = int(node['frames_out'])
    return out + dropped == FRAMES and out == len(watcher.scores) == int(score['matched'])


def test_a_live_score_is_that_of_the_recording(tmp_path: Path, watcher: Watcher) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    bag, live, offline = tmp_path / 'bag', tmp_path / 'live', tmp_path / 'offline.json'
    depth = 'qos_overrides./camera/image_raw.subscription.'
    counted = {f'{depth}depth': 10, f'{depth}reliability': 'reliable'}
    camera = {'width': 160, 'height': 96, 'rate': 5.0, 'frames': FRAMES, 'play': False}
    inputs = {'prediction': PREDICTION, 'truth': TRUTH, 'report': '/segmentation/report'}
    with (
        ToolProcess('segmentation_node', {'image': '/camera/image_raw'}, model=model, **counted),
        ToolProcess('bag_recorder', output=bag, topics=f'{PREDICTION} {TRUTH}') as recorder,
        ToolProcess('score_node', inputs, output=live) as score,
        ToolProcess('scene_camera', {'__ns': '/camera'}, **camera) as street,
    ):
        play(watcher)
        assert street.end() == 0
        wait_until(lambda: settled(watcher), 'all frames to be scored')
        for process in (recorder, score):
            process.interrupt()
            assert process.end() == 0, process.text
    assert score_offline([str(bag), '--json', str(offline)]) == 0
    found, expected = (json.loads(p.read_text()) for p in (live / 'score.json', offline))
    assert expected['frames'] >= FRAMES // 2
    for name in ('frames', 'confusion', 'groups', 'frame_miou', 'class_iou'):
        assert found[name] == expected[name]
    assert found['miou'] == pytest.approx(expected['miou'], abs=1e-6)
    newest: Score = watcher.scores[-1]
    assert newest.frames == expected['frames']
    assert newest.miou == pytest.approx(expected['miou'], abs=1e-6)
    assert newest.pixel_accuracy == pytest.approx(expected['pixel_accuracy'], abs=1e-6)
    told = dict(zip(newest.class_names, newest.class_iou, strict=True))
    assert {n: None if math.isnan(v) else pytest.approx(v, abs=1e-6) for n, v in told.items()} == (
        expected['class_iou']
    )
    (drivable,) = (n for n, name in enumerate(newest.group_names) if name == 'drivable')
    assert newest.group_precision[drivable] == pytest.approx(
        expected['groups']['drivable']['precision'], abs=1e-6
    )
    assert (found['model'], found['backend']) == (tiny_contract().name, 'onnxruntime')
    assert (
        f'live graph: {PREDICTION} against {TRUTH}' in Page((live / 'score.html').read_text()).texts
    )


def stamped(pixels: Any, second: int, encoding: str = 'mono8') -> Image:
    message = raw_message(np.asarray(pixels, np.uint8), encoding)
    message.header.stamp.sec = second
    return message


def test_diagnostics_tell_what_is_wrong(watcher: Watcher) -> None:
    node = watcher.node
    lossy = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    with ToolProcess('score_node', truth='carla', frames=2) as score:
        missing = watcher.status(
            DiagnosticStatus.WARN, 'no image on /prediction yet: publishers: 0'
        )
        assert missing.hardware_id == '/prediction'
        predictions = node.create_publisher(Image, 'prediction', lossy)
        truths = node.create_publisher(Image, 'truth', RELIABLE)
        for topic in ('/prediction', '/truth'):
            wait_until(partial(has_subscribers, node, topic, 1), f'the score on {topic}')
        label, bgra = np.zeros((4, 6)), np.zeros((4, 6, 4))
        bgra[..., 2] = 1
        predictions.publish(stamped(label, 1))
        truths.publish(stamped(bgra, 2, 'bgra8'))
        watcher.status(DiagnosticStatus.WARN, 'no two stamps agree yet')
        predictions.publish(stamped(bgra, 3, 'bgra8'))
        watcher.status(DiagnosticStatus.WARN, '1 images not usable: prediction: predicted labels')
        bgra[0, :, 2] = 77
        predictions.publish(stamped(label, 4))
        truths.publish(stamped(bgra, 4, 'bgra8'))
        watcher.status(DiagnosticStatus.WARN, '6 pixels of the truth are in no table')
        good = watcher.status(DiagnosticStatus.OK, 'mIoU 1.0000 of 1 frames')
        assert {'drivable_recall': '1.000000', 'unusable': '1'}.items() <= {
            pair.key: pair.value for pair in good.values
        }.items()
        predictions.publish(stamped(label, 2))
        assert score.end() == 0
    assert 'mIoU 1.0000 of 2 frames; matched 2' in score.text
    assert [message.header.stamp.sec for message in watcher.scores] == [4, 2]


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        ({'truth': 'unreal'}, "no truth table of the name 'unreal'"),
        ({'wait': 0}, 'parameter wait must be a whole number from 1 to 999'),
        ({'truth_pixels': 'colour'}, 'parameter truth_pixels must be one of value, color'),
        ({'output': '/dev/null/x'}, 'Not a directory'),
    ],
)
def test_what_cannot_be_scored_is_told(
    parameters: dict[str, object],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, 'signal', lambda *_: None)  # pytest's own stay
    assert score_live(ros_arguments({}, parameters)) == 1
    assert reason in capsys.readouterr().err
