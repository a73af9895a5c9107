"""A recording through the live node gives the labels that `replay run` gives without a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.cli import main as replay
from seg_perception.replay.messages import IMAGE, deserialize, header, picture_message
from seg_perception.sim.scene import Scene
from test.graph.tool_process import ToolProcess

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FRAMES = 6
LABEL, CONFIDENCE = '/segmentation/label', '/segmentation/confidence'


def write_bag(folder: Path) -> Path:
    """Write a drive along the made-up street, five images a second."""
    scene = Scene(4, 320, 180)
    with BagWriter(folder) as writer:
        writer.add_topic('/image', IMAGE)
        for number in range(FRAMES):
            stamp = START + number * SECOND // 5
            frame = scene.frame(number / 5)
            writer.write('/image', stamp, picture_message(header(stamp, 'camera'), frame.bgr))
    return folder


def images(bag: Path) -> dict[tuple[str, int], bytes]:
    """Return labels and confidences of a recording by topic and stamp."""
    found = {}
    for record in BagReader(bag).records({LABEL, CONFIDENCE}):
        message = deserialize(record)
        stamp = message.header.stamp
        key = record.topic.name, stamp.sec * SECOND + stamp.nanosec
        assert key not in found
        found[key] = bytes(np.asarray(message.data))
    return found


def test_the_live_node_and_replay_label_alike(tmp_path: Path) -> None:
    bag, live, offline = write_bag(tmp_path / 'bag'), tmp_path / 'live', tmp_path / 'offline'
    assert replay(['run', str(bag), '--output', str(offline), '--backend', 'onnxruntime']) == 0
    awaited = f'/image {LABEL} {CONFIDENCE}'
    play = {'bag': bag, 'rate': 0.25, 'wait_for': awaited, 'linger': 2.0}
    with (
        ToolProcess('segmentation_node', use_sim_time=True, backend='onnxruntime', max_age=5.0),
        ToolProcess('bag_recorder', output=live, topics=f'{LABEL} {CONFIDENCE}') as recorder,
        ToolProcess('bag_player', **play) as player,
    ):
        assert player.end() == 0, player.text
        recorder.interrupt()
        assert recorder.end() == 0, recorder.text
    found, expected = images(live), images(offline)
    assert len(expected) == 2 * FRAMES
    assert found.keys() == expected.keys()
    assert found == expected
    # Not all of one class, so that there is something to be wrong.
    assert len(set(expected[LABEL, START])) > 3
