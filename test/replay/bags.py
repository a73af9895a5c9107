"""Small recordings in every format, with known images."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import numpy.typing as npt
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from seg_perception.replay import mcap_file
from seg_perception.replay.messages import IMAGE, message_type, serialize, typestore

Image = npt.NDArray[np.uint8]

TOPIC = '/front/image_raw'
START, STEP = 1_700_000_000 * 10**9, 10**8
"""Of the recorded times, ns. Stamps are 5 ms older."""
AGE = 5_000_000


def pictures(count: int, size: tuple[int, int] = (64, 48), seed: int = 0) -> list[Image]:
    """Return images of noise, BGR, uint8 [H, W, 3]."""
    noise = np.random.default_rng(seed)
    return [noise.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(count)]


def header(time: int, frame: str = 'camera') -> Any:
    """Return a header with a stamp in ns."""
    stamp = message_type('builtin_interfaces/msg/Time')(time // 10**9, time % 10**9)
    return message_type('std_msgs/msg/Header')(stamp=stamp, frame_id=frame)


def image_message(picture: Image, time: int, frame: str = 'camera') -> Any:
    """Return a sensor_msgs/Image, bgr8."""
    return message_type(IMAGE)(
        header=header(time, frame),
        height=picture.shape[0],
        width=picture.shape[1],
        encoding='bgr8',
        is_bigendian=0,
        step=picture.shape[1] * 3,
        data=picture.reshape(-1),
    )


def write_rosbag2(
    path: Path,
    images: list[Image],
    plugin: StoragePlugin = StoragePlugin.MCAP,
    mode: CompressionMode = CompressionMode.NONE,
    topics: tuple[str, ...] = (TOPIC,),
) -> Path:
    """Write images to a folder, one after the other on each topic."""
    writer = Writer(path, version=8, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections = [writer.add_connection(t, IMAGE, typestore=typestore()) for t in topics]
        for number, picture in enumerate(images):
            for connection in connections:
                time = START + number * STEP
                data = serialize(image_message(picture, time - AGE))
                writer.write(connection, time, data)
    return path


def write_ros1(path: Path, images: list[Image], compression: str = '') -> Path:
    """Write images to a ROS 1 bag."""
    store = get_typestore(Stores.ROS1_NOETIC)
    writer = Ros1Writer(path)
    if compression:
        writer.set_compression(Ros1Writer.CompressionFormat[compression.upper()])
    kinds = store.types
    with writer:
        connection = writer.add_connection(TOPIC, IMAGE, typestore=store)
        for number, picture in enumerate(images):
            time = START + number * STEP
            stamp = kinds['builtin_interfaces/msg/Time'](
                (time - AGE) // 10**9, (time - AGE) % 10**9
            )
            message = kinds[IMAGE](
                header=kinds['std_msgs/msg/Header'](seq=number, stamp=stamp, frame_id='camera'),
                height=picture.shape[0],
                width=picture.shape[1],
                encoding='bgr8',
                is_bigendian=0,
                step=picture.shape[1] * 3,
                data=picture.reshape(-1),
            )
            writer.write(connection, time, store.serialize_ros1(message, IMAGE))
    return path


def write_lz4_mcap(path: Path, images: list[Image]) -> Path:
    """Write images to an MCAP file with a chunk of LZ4 for each, without an index."""

    def text(value: str) -> bytes:
        return struct.pack('<I', len(value)) + value.encode()

    def record(opcode: int, content: bytes) -> bytes:
        return struct.pack('<BQ', opcode, len(content)) + content

    parts = [mcap_file.MAGIC, record(1, text('ros2') + text('test'))]
    parts.append(
        record(3, struct.pack('<H', 1) + text(IMAGE) + text('ros2msg') + struct.pack('<I', 0))
    )
    channel = struct.pack('<HH', 7, 1) + text(TOPIC) + text('cdr') + struct.pack('<I', 0)
    parts.append(record(4, channel))
    for number, picture in enumerate(images):
        time = START + number * STEP
        data = bytes(serialize(image_message(picture, time - AGE)))
        inner = record(5, struct.pack('<HIQQ', 7, number, time, time) + data)
        packed = lz4.frame.compress(inner)
        head = struct.pack('<QQQI', time, time, len(inner), 0) + text('lz4')
        parts.append(record(6, head + struct.pack('<Q', len(packed)) + packed))
    parts += [record(2, bytes(20)), mcap_file.MAGIC]
    path.write_bytes(b''.join(parts))
    return path


MCAP, SQLITE = StoragePlugin.MCAP, StoragePlugin.SQLITE3
_NONE, _FILE = CompressionMode.NONE, CompressionMode.FILE
_MESSAGE, _STORAGE = CompressionMode.MESSAGE, CompressionMode.STORAGE

FORMATS: dict[str, Callable[[Path, list[Image]], Path]] = {
    'mcap': lambda path, images: write_rosbag2(path, images, MCAP, _NONE),
    'mcap, zstd chunks': lambda path, images: write_rosbag2(path, images, MCAP, _STORAGE),
    'mcap, lz4 chunks': lambda path, images: write_lz4_mcap(path.with_suffix('.mcap'), images),
    'mcap, zstd messages': lambda path, images: write_rosbag2(path, images, MCAP, _MESSAGE),
    'mcap, zstd file': lambda path, images: write_rosbag2(path, images, MCAP, _FILE),
    'sqlite3': lambda path, images: write_rosbag2(path, images, SQLITE, _NONE),
    'sqlite3, zstd messages': lambda path, images: write_rosbag2(path, images, SQLITE, _MESSAGE),
    'sqlite3, zstd file': lambda path, images: write_rosbag2(path, images, SQLITE, _FILE),
    'ROS 1': lambda path, images: write_ros1(path.with_suffix('.bag'), images),
    'ROS 1, bz2': lambda path, images: write_ros1(path.with_suffix('.bag'), images, 'bz2'),
    'ROS 1, lz4': lambda path, images: write_ros1(path.with_suffix('.bag'), images, 'lz4'),
}
"""Writes images as a recording named `path` and returns where it is."""
