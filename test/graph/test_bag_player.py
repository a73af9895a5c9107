"""A recording on its topics again, and topics into a recording."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import String

from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.messages import message_type, serialize
from seg_perception.ros.bag_player import main as play
from seg_perception.ros.bag_recorder import main as record
from test.graph.player import PlayerRemote
from test.graph.spinner import RELIABLE, Inbox, Spinner, wait_until
from test.graph.tool_process import ToolProcess, ros_arguments

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FRAMES = 20


def image_data(stamp: int, value: int) -> bytes:
    """Return a small image, serialised."""
    time = message_type('builtin_interfaces/msg/Time')(stamp // SECOND, stamp % SECOND)
    header = message_type('std_msgs/msg/Header')(time, 'camera')
    pixels = np.full(4 * 4 * 3, value, np.uint8)
    image = message_type('sensor_msgs/msg/Image')(header, 4, 4, 'rgb8', 0, 12, pixels)
    return bytes(serialize(image))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Return a recording: an image at every second, and a text that none of them may overtake."""
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/camera/image', 'sensor_msgs/msg/Image')
        writer.add_topic('/words', 'std_msgs/msg/String')
        writer.add_topic('/clock', 'rosgraph_msgs/msg/Clock')
        for number in range(FRAMES):
            time = START + number * SECOND
            writer.write('/camera/image', time, image_data(time - SECOND // 10, number))
            text = message_type('std_msgs/msg/String')(str(number))
            writer.write('/words', time + 1, bytes(serialize(text)))
    return tmp_path / 'bag'


class Listener(PlayerRemote):
    """Subscribes to what is played, to images raw."""

    def __init__(self, spinner: Spinner) -> None:
        super().__init__(spinner.node)
        self.images, self.words, self.clock = Inbox(), Inbox(), Inbox()
        self.node.create_subscription(
            Image, '/camera/image', self.images.append, RELIABLE, raw=True
        )
        self.node.create_subscription(String, '/words', self.words.append, RELIABLE)
        self.node.create_subscription(Clock, '/clock', self._on_clock, RELIABLE)

    def _on_clock(self, message: Clock) -> None:
        self.clock.append(message.clock.sec * SECOND + message.clock.nanosec - START)

    @property
    def numbers(self) -> list[int]:
        """The values of the images, in order."""
        return [data[-1] for data in self.images]


@pytest.fixture
def listener() -> Iterator[Listener]:
    spinner = Spinner(lambda context: Node('listener', context=context))
    yield Listener(spinner)
    spinner.close()


def test_messages_are_played_as_they_were_recorded(bag: Path, listener: Listener) -> None:
    recorded = [bytes(r.data) for r in BagReader(bag).records({'/camera/image'})]
    with ToolProcess(
        'bag_player', bag=bag, rate=50, wait_for='/camera/image', linger=0.0
    ) as player:
        assert player.end() == 0
        wait_until(lambda: len(listener.words) == FRAMES, 'all words')
    assert [bytes(data) for data in listener.images] == recorded
    assert [message.data for message in listener.words] == [str(n) for n in range(FRAMES)]
    assert f'played {2 * FRAMES} messages' in player.text
    # The recording's own /clock is not among them, and the player's tells the time of recording.
    assert listener.clock == sorted(listener.clock)
    assert listener.clock[0] == 0
    assert listener.clock[-1] == (FRAMES - 1) * SECOND + 1


def test_pause_rate_jump_and_loop(bag: Path, listener: Listener) -> None:
    options = {'bag': bag, 'start_paused': True, 'start_offset': 2, 'rate': 100, 'linger': 0.1}
    with ToolProcess('bag_player', **options, loop=True) as player:
        wait_until(lambda: len(listener.clock) > 5, 'the clock')
        assert set(listener.clock) == {2 * SECOND}
        assert listener.images == []
        assert listener.call('resume') == 'playing'
        wait_until(lambda: listener.numbers.count(FRAMES - 1) == 2, 'the loop to begin again')
        assert listener.call('toggle_paused') == 'paused'
        (changed,) = listener.set(position=10.0)
        assert changed.successful
        wait_until(lambda: listener.clock[-1] == 10 * SECOND, 'the jump')
        before = len(listener.images)
        (slower,) = listener.set(rate=20.0)
        assert slower.successful
        assert listener.set(loop=False)[0].successful
        listener.call('resume')
        assert player.end() == 0
    assert listener.numbers[:before][: FRAMES - 2] == list(range(2, FRAMES))
    assert listener.numbers[FRAMES - 2 : 2 * FRAMES - 2] == list(range(FRAMES))
    assert listener.numbers[before:] == list(range(10, FRAMES))


def test_chosen_topics_are_played_and_wrong_parameters_refused(
    bag: Path, listener: Listener
) -> None:
    with ToolProcess('bag_player', bag=bag, topics='/words', start_paused=True, rate=100) as player:
        (rate, other) = listener.set(rate=0.0, bag='other')
        assert 'out of range' in rate.reason
        assert other.reason == 'bag cannot be changed at run time'
        (kind,) = listener.set(loop='yes')
        assert 'parameter loop must be true or false' in kind.reason
        assert listener.set(rate=50)[0].successful  # a whole number is a number
        listener.call('resume')
        assert player.end() == 0
        wait_until(lambda: len(listener.words) == FRAMES, 'all words')
    assert listener.images == []


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        ({}, 'parameter bag must name a recording'),
        ({'bag': '/nowhere'}, 'no file or folder /nowhere'),
        ({'topics': '/words /sounds'}, 'expected topics among .* got /sounds'),
        ({'topics': '/clock'}, 'expected messages to play, got none'),
        ({'rate': 0.0}, 'parameter rate must be a number from 0.01 to 100'),
    ],
)
def test_what_cannot_be_played_is_told(
    bag: Path,
    parameters: dict[str, object],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, 'signal', lambda *_: None)  # pytest's own stay
    given = {'bag': bag, **parameters} if parameters else {}
    assert play(ros_arguments({}, given)) == 1
    assert re.search(f'^bag_player: .*{reason}', capsys.readouterr().err)


def test_what_is_recorded_is_what_came(tmp_path: Path, listener: Listener) -> None:
    node = listener.node
    reliable = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    lossy = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    kept = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    words = node.create_publisher(String, '/a', reliable)
    later = node.create_publisher(String, '/kept', kept)
    output = tmp_path / 'recorded'
    with ToolProcess('bag_recorder', output=output, topics='/a /b /kept /never') as recorder:
        wait_until(lambda: words.get_subscription_count() == 1, 'the recorder')
        for number in range(5):
            words.publish(String(data=f'a{number}'))
        wait_until(words.wait_for_all_acked, 'all to be received')
        late = node.create_publisher(String, '/b', lossy)
        later.publish(String(data='kept'))
        wait_until(lambda: late.get_subscription_count() == 1, 'the recorder')
        wait_until(later.wait_for_all_acked, 'all to be received')
        words.publish(String(data='a5'))
        wait_until(words.wait_for_all_acked, 'all to be received')
        recorder.interrupt()
        assert recorder.end() == 0
    assert '/never: nobody published it' in recorder.text
    reader = BagReader(output)
    found: dict[str, list[str]] = {}
    for read in reader.records():
        text = bytes(read.data)[8:].decode().rstrip('\0')
        found.setdefault(read.topic.name, []).append(text)
    assert found == {'/a': [f'a{n}' for n in range(6)], '/kept': ['kept']}
    assert {topic.name for topic in reader.topics} == {'/a', '/b', '/kept'}
    assert reader.losses == []


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        ({'topics': '/a'}, 'parameter output must not be empty'),
        ({'output': 'x', 'topics': ' '}, 'parameter topics must not be empty'),
        ({'output': '/tmp', 'topics': '/a'}, '/tmp is there already'),
    ],
)
def test_what_cannot_be_recorded_is_told(
    parameters: dict[str, object],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, 'signal', lambda *_: None)
    assert record(ros_arguments({}, parameters)) == 1
    assert f'bag_recorder: {reason}' in capsys.readouterr().err
