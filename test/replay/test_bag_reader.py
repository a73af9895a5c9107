from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import yaml

from seg_perception.replay.bag_reader import METADATA, BagReader, is_bag
from seg_perception.replay.messages import IMAGE, MessageError, deserialize, to_cdr, typestore
from seg_perception.replay.storage import BagError, Record, Topic
from test.replay.bags import (
    AGE,
    FORMATS,
    SQLITE,
    START,
    STEP,
    TOPIC,
    image_message,
    pictures,
    write_ros1,
    write_rosbag2,
)


@pytest.mark.parametrize('write', FORMATS.values(), ids=FORMATS)
def test_every_format_gives_every_image(write: object, tmp_path: Path) -> None:
    images = pictures(5)
    path = write(tmp_path / 'bag', images)  # type: ignore[operator]
    reader = BagReader(path)
    records = list(reader.records())
    assert [record.time for record in records] == [START + n * STEP for n in range(5)]
    for number, (record, image) in enumerate(zip(records, images, strict=True)):
        message = deserialize(record)
        np.testing.assert_array_equal(message.data, image.reshape(-1))
        stamp = message.header.stamp
        assert stamp.sec * 10**9 + stamp.nanosec == START + number * STEP - AGE
        assert (message.header.frame_id, message.encoding) == ('camera', 'bgr8')
    assert [(topic.name, topic.type) for topic in reader.topics] == [(TOPIC, IMAGE)]
    assert reader.losses == []
    assert reader.progress == 1.0
    assert is_bag(path)


def test_topics_and_times_are_chosen(tmp_path: Path) -> None:
    path = write_rosbag2(tmp_path / 'bag', pictures(5), SQLITE, topics=('/left', '/right'))
    reader = BagReader(path)
    assert reader.counts == {'/left': 5, '/right': 5}
    records = list(reader.records({'/right'}, START + STEP, START + 3 * STEP))
    assert [(r.topic.name, r.time) for r in records] == [
        ('/right', START + STEP),
        ('/right', START + 2 * STEP),
    ]
    assert len(list(reader.records({'/right'}))) == 5
    assert len(list(reader.records(()))) == 0


@pytest.mark.parametrize('name', ['mcap', 'mcap, zstd chunks', 'sqlite3', 'ROS 1, lz4'])
def test_times_are_chosen_in_every_storage(name: str, tmp_path: Path) -> None:
    reader = BagReader(FORMATS[name](tmp_path / 'bag', pictures(5)))
    records = list(reader.records(None, START + STEP, START + 3 * STEP))
    assert [record.time for record in records] == [START + STEP, START + 2 * STEP]


@pytest.mark.parametrize('name', ['mcap, zstd messages', 'sqlite3, zstd file'])
def test_a_folder_without_metadata_is_read(name: str, tmp_path: Path) -> None:
    path = FORMATS[name](tmp_path / 'bag', pictures(3))
    (path / METADATA).unlink()
    reader = BagReader(path)
    assert [topic.name for topic in reader.topics] == [TOPIC]
    assert len(list(reader.records())) == 3
    assert (reader.counts, reader.losses) == ({}, [])


def test_damaged_metadata_is_told_and_left_out(tmp_path: Path) -> None:
    path = write_rosbag2(tmp_path / 'bag', pictures(3))
    (path / METADATA).write_text('rosbag2_bagfile_information: [')
    reader = BagReader(path)
    assert len(list(reader.records())) == 3
    (loss,) = reader.losses
    assert (loss.file, loss.what[:22]) == (METADATA, 'it is damaged and left')


def test_files_are_read_by_number_and_missing_ones_told(tmp_path: Path) -> None:
    images = pictures(3)
    folder = tmp_path / 'bag'
    folder.mkdir()
    for number, image in zip((9, 10, 11), images, strict=True):
        single = write_rosbag2(tmp_path / f'single_{number}', [image])
        shutil.copy(single / f'single_{number}.mcap', folder / f'bag_{number}.mcap')
    first = [bytes(r.data) for r in BagReader(folder).records()]
    assert [np.frombuffer(d[-images[0].size :], np.uint8).tolist() for d in first] == [
        image.reshape(-1).tolist() for image in images
    ]
    about = {'relative_file_paths': ['bag_11.mcap', 'bag_9.mcap', 'bag_12.mcap']}
    (folder / METADATA).write_text(yaml.safe_dump({'rosbag2_bagfile_information': about}))
    reader = BagReader(folder)
    assert [bytes(r.data) for r in reader.records()] == [first[2], first[0], first[1]]
    assert [str(loss) for loss in reader.losses] == [
        'bag_12.mcap: it is listed in metadata.yaml and missing'
    ]


def test_messages_that_are_missing_are_told(tmp_path: Path) -> None:
    path = write_rosbag2(tmp_path / 'bag', pictures(4), SQLITE)
    with sqlite3.connect(path / 'bag.db3') as connection:
        connection.execute('DELETE FROM messages WHERE id = 2')
    reader = BagReader(path)
    assert len(list(reader.records())) == 3
    assert [loss.what for loss in reader.losses] == [
        f'{TOPIC}: 4 messages were recorded, 3 could be read'
    ]


def test_a_recorder_that_died_left_a_log_beside_its_database(tmp_path: Path) -> None:
    path = write_rosbag2(tmp_path / 'bag', pictures(3), SQLITE)
    writing = sqlite3.connect(path / 'bag.db3')
    writing.execute('PRAGMA journal_mode = WAL')
    writing.execute(
        'INSERT INTO messages SELECT 4, topic_id, timestamp, data FROM messages WHERE id = 3'
    )
    writing.commit()
    died = tmp_path / 'died'
    died.mkdir()
    for file in path.glob('bag.db3*'):
        shutil.copy(file, died)
    writing.close()
    assert [len(list(BagReader(died).records()))] == [4]


def test_ros1_becomes_cdr(tmp_path: Path) -> None:
    (image,) = pictures(1)
    (record,) = BagReader(write_ros1(tmp_path / 'one.bag', [image])).records()
    again = typestore().serialize_cdr(image_message(image, START - AGE), IMAGE)
    assert bytes(to_cdr(record)) == bytes(again)


def test_a_damaged_message_is_named() -> None:
    topic = Topic('/front/image_raw', IMAGE)
    with pytest.raises(MessageError, match='/front/image_raw: a damaged sensor_msgs/msg/Image'):
        deserialize(Record(topic, 0, b'\0\1\0\0abc'))
    with pytest.raises(MessageError, match='the type our_msgs/msg/Own is not known'):
        deserialize(Record(Topic('/own', 'our_msgs/msg/Own'), 0, b'\0\1\0\0'))
    with pytest.raises(MessageError, match="cdr or ros1, got 'json'"):
        deserialize(Record(Topic('/own', IMAGE, 'json'), 0, b'{}'))


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='no file or folder'):
        BagReader(tmp_path / 'none')
    with pytest.raises(BagError, match=r'expected .mcap, .db3 or .bag files in it, got none'):
        BagReader(tmp_path)
    (tmp_path / 'notes.txt').write_text('no recording')
    with pytest.raises(BagError, match='is no recording'):
        list(BagReader(tmp_path / 'notes.txt').records())
    assert not is_bag(tmp_path)
    assert not is_bag(tmp_path / 'notes.txt')
