"""The node under simulated time: a recording that is paused, slowed, sped up, looped, jumped in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rclpy.node import Node

from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.messages import IMAGE, message_type, serialize
from test.graph.bench import Bench, counts
from test.graph.player import PlayerRemote
from test.graph.spinner import Inbox, Spinner, wait_until
from test.graph.tool_process import ToolProcess
from test.tiny_model import write_tiny_model

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FRAMES = 24

# No image may get lost before it is counted.
COUNTED = {
    'qos_overrides./image.subscription.depth': 50,
    'qos_overrides./image.subscription.reliability': 'reliable',
}


def write_bag(folder: Path, period: float) -> Path:
    """Write images that far apart, in s, each recorded 20 ms after its stamp."""
    noise = np.random.default_rng(1).integers(0, 255, (FRAMES, 32 * 64 * 3), np.uint8)
    with BagWriter(folder) as writer:
        writer.add_topic('/image', IMAGE)
        for number in range(FRAMES):
            stamp = START + round(number * period * SECOND)
            time = message_type('builtin_interfaces/msg/Time')(*divmod(stamp, SECOND))
            header = message_type('std_msgs/msg/Header')(time, 'camera')
            image = message_type(IMAGE)(header, 32, 64, 'rgb8', 0, 64 * 3, noise[number])
            writer.write('/image', stamp + SECOND // 50, bytes(serialize(image)))
    return folder


def ascending(numbers: list[int]) -> list[list[int]]:
    """Split numbers where they go down."""
    runs: list[list[int]] = []
    for number in numbers:
        if not runs or number <= runs[-1][-1]:
            runs.append([])
        runs[-1].append(number)
    return runs


class Replay:
    """A node under the clock of a player, and what comes out."""

    def __init__(self, bench: Bench, player: ToolProcess, remote: PlayerRemote) -> None:
        self.bench = bench
        self.player = player
        self.remote = remote
        self.labels: Inbox = bench.listen('label')[0]
        # The bench has a camera on that topic, too. The player itself waits for its subscriber.
        (images,) = (s for s in bench.node.subscriptions if s.topic_name == '/image')
        wait_until(lambda: images.get_publisher_count() == 2, 'the player to connect')

    def numbers(self, period: float) -> list[int]:
        """Return the frames that came out, by number."""
        stamps = [m.header.stamp.sec * SECOND + m.header.stamp.nanosec for m in self.labels]
        return [round((stamp - START) / SECOND / period) for stamp in stamps]

    def finish(self) -> dict[str, int]:
        """Wait for the end of the recording; return the node's totals, which must add up."""
        assert self.player.end() == 0, self.player.text
        (played,) = re.findall(r'played (\d+) messages', self.player.text)
        wait_until(lambda: self._accounted() == int(played), f'{played} frames accounted for')
        totals = counts(self.bench.node.totals)
        assert totals['frames_in'] == int(played)
        wait_until(lambda: len(self.labels) == totals['frames_out'], 'all labels')
        return totals

    def _accounted(self) -> int:
        totals = counts(self.bench.node.totals)
        return sum(totals.values()) - totals['frames_in']


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp('model') / 'tiny.onnx')


@pytest.fixture
def remote() -> Iterator[PlayerRemote]:
    spinner = Spinner(lambda context: Node('remote', context=context))
    yield PlayerRemote(spinner.node)
    spinner.close()


@pytest.fixture
def bench(model: Path) -> Iterator[Bench]:
    with Bench(model, use_sim_time=True, max_age=8.0, **COUNTED) as bench:
        bench.activate()
        yield bench


def test_pause_and_rates_lose_no_frame(bench: Bench, remote: PlayerRemote, tmp_path: Path) -> None:
    period = 0.05
    bag = write_bag(tmp_path / 'bag', period)
    options = {'bag': bag, 'wait_for': '/image', 'start_paused': True, 'linger': 0.1}
    with ToolProcess('bag_player', **options, rate=0.1) as player:
        replay = Replay(bench, player, remote)
        remote.call('resume')
        wait_until(lambda: len(replay.labels) >= 2, 'frames at a tenth of the rate')
        remote.call('pause')
        before = len(replay.labels)
        remote.set(rate=5.0)
        remote.call('resume')
        wait_until(lambda: len(replay.labels) > before, 'the first frame after the pause')
        totals = replay.finish()
    assert totals['frames_in'] == FRAMES
    assert totals['dropped_stale'] == totals['dropped_bad'] == 0
    found = replay.numbers(period)
    assert ascending(found) == [found]
    # A busy machine drops frames; it counts them, and never the newest.
    assert found[before] <= before + 1 + totals['dropped_busy']
    assert found[0] <= totals['dropped_busy']
    assert found[-1] == FRAMES - 1
    levels = {status.level for array in bench.statuses for status in array.status}
    assert levels == {b'\x00'}


def test_a_loop_and_a_jump_of_ten_seconds_cost_at_most_one_frame(
    bench: Bench, remote: PlayerRemote, tmp_path: Path
) -> None:
    period = 0.5
    bag = write_bag(tmp_path / 'bag', period)
    options = {'bag': bag, 'wait_for': '/image', 'start_paused': True, 'linger': 0.1}
    with ToolProcess('bag_player', **options, start_offset=10.0, loop=True, rate=5.0) as player:
        replay = Replay(bench, player, remote)
        remote.call('resume')
        # 20 to 23, then the loop: the clock goes back by the whole recording.
        wait_until(lambda: len(replay.labels) >= 6, 'the loop to begin again')
        remote.call('pause')
        remote.set(position=11.0, rate=0.05, loop=False)
        looped = replay.numbers(period)
        remote.call('resume')
        wait_until(lambda: replay.numbers(period)[-1] == 22, 'the frame at 11 s')
        remote.set(position=1.0, rate=8.0)
        totals = replay.finish()
    found = replay.numbers(period)
    runs = ascending(found)
    # Twice back: to the beginning by the loop, and ten seconds from frame 22 to 2. The frame on its
    # way when the clock goes back is in its future then: it is dropped as stale.
    assert looped == found[: len(looped)]
    spared = 1 + totals['dropped_busy']  # of a busy machine
    assert runs[0][0] <= 20 + spared
    assert [run[0] <= spared for run in runs[1:-1]] == [True] * len(runs[1:-1])
    assert runs[-2][-1] == 22
    assert 2 <= runs[-1][0] <= 2 + spared
    assert runs[-1][-1] == FRAMES - 1
    assert totals['dropped_bad'] == 0
    assert totals['dropped_stale'] <= len(runs)
    assert totals['frames_out'] == len(found)
