from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rosbags.interfaces import ConnectionExtRosbag2, QosDurability
from rosbags.rosbag2 import Reader

from seg_perception.replay.bag_reader import METADATA, BagReader
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.messages import IMAGE, deserialize, serialize
from seg_perception.replay.storage import BagError
from test.replay.bags import START, STEP, image_message, pictures


def fill(writer: BagWriter, first: int, stop: int) -> None:
    for number, picture in list(enumerate(pictures(stop)))[first:]:
        time = START + number * STEP
        writer.write('/label', time, serialize(image_message(picture, time)))


def test_files_are_one_recording_to_the_library(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'run') as writer:
        writer.add_topic('/label', IMAGE)
        writer.add_topic('/never', IMAGE, latched=True)
        fill(writer, 0, 2)
        writer.end_file()
        writer.end_file()
        fill(writer, 2, 5)
    assert [file.name for file in writer.files] == ['run_0.mcap', 'run_1.mcap']
    assert sorted(path.name for path in writer.folder.iterdir()) == [
        METADATA,
        'run_0.mcap',
        'run_1.mcap',
    ]
    with Reader(writer.folder) as reader:
        assert (reader.message_count, reader.start_time) == (5, START)
        assert reader.duration == 4 * STEP + 1
        label, never = reader.connections
        assert (label.topic, label.msgcount) == ('/label', 5)
        assert isinstance(never.ext, ConnectionExtRosbag2)
        assert never.ext.offered_qos_profiles[0].durability == QosDurability.TRANSIENT_LOCAL
        data = [bytes(raw) for _, _, raw in reader.messages(reader.connections)]
    ours = BagReader(writer.folder)
    assert [bytes(record.data) for record in ours.records()] == data
    assert (ours.counts, ours.losses) == ({'/label': 5, '/never': 0}, [])
    for record, picture in zip(ours.records(), pictures(5), strict=True):
        np.testing.assert_array_equal(deserialize(record).data, picture.reshape(-1))


def test_another_writer_goes_on_after_the_finished_files(tmp_path: Path) -> None:
    whole, broken = tmp_path / 'whole' / 'run', tmp_path / 'broken' / 'run'
    with BagWriter(whole) as writer:
        writer.add_topic('/label', IMAGE)
        fill(writer, 0, 2)
        writer.end_file()
        fill(writer, 2, 5)
    writer = BagWriter(broken)
    writer.add_topic('/label', IMAGE)
    fill(writer, 0, 2)
    writer.end_file()
    fill(writer, 2, 4)
    writer.abort()
    assert [path.name for path in broken.iterdir()] == ['run_0.mcap']
    with BagWriter(broken, writer.files) as again:
        again.add_topic('/label', IMAGE)
        fill(again, 2, 5)
    for name in ('run_0.mcap', 'run_1.mcap', METADATA):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()


def test_nothing_is_a_recording_too(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'run') as writer:
        writer.add_topic('/label', IMAGE)
    reader = BagReader(tmp_path / 'run')
    assert [topic.name for topic in reader.topics] == ['/label']
    assert (list(reader.records()), reader.losses) == ([], [])


def test_topics_are_added_once_and_known(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / 'run')
    writer.add_topic('/label', IMAGE)
    with pytest.raises(BagError, match='/label: expected a topic that is not in the recording'):
        writer.add_topic('/label', IMAGE)
    with pytest.raises(BagError, match='the type our_msgs/msg/Own is not known'):
        writer.add_topic('/own', 'our_msgs/msg/Own')
