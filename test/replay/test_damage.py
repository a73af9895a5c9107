"""Recordings that were cut short or have flipped bytes are read as far as that goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.mcap_file import McapFile
from seg_perception.replay.messages import MessageError, deserialize
from seg_perception.replay.storage import BagError
from test.replay.bags import (
    FORMATS,
    MCAP,
    SQLITE,
    Image,
    pictures,
    write_lz4_mcap,
    write_ros1,
    write_rosbag2,
)

COUNT, SIZE = 12, (240, 240)
ROUNDS = 10


def storage_file(path: Path) -> Path:
    """Return the file with the messages."""
    if path.is_file():
        return path
    (file,) = (file for file in path.iterdir() if file.suffix != '.yaml')
    return file


def read(path: Path) -> tuple[list[bytes], BagReader]:
    """Return the pixels of the images that can be read."""
    reader = BagReader(path)

    def images() -> Iterator[bytes]:
        for record in reader.records():
            try:
                yield deserialize(record).data.tobytes()
            except MessageError:
                continue

    try:
        return list(images()), reader
    except BagError:
        return [], reader


# bz2 takes its time.
FEWER = {'ROS 1, bz2': 3}


@pytest.fixture(scope='module', params=list(FORMATS), ids=str)
def recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, bytes, list[bytes]]:
    """Return a recording, its bytes and its images; compressible, as real ones are."""
    images: list[Image] = [image // 64 * 64 for image in pictures(COUNT, SIZE)]
    path = FORMATS[request.param](tmp_path_factory.mktemp('damage') / 'bag', images)
    return path, storage_file(path).read_bytes(), [image.tobytes() for image in images]


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """Return how often a recording is damaged: 200 times in all, by cuts and by flips."""
    return FEWER.get(request.node.callspec.params['recording'], ROUNDS)


# One flipped byte in these costs all that follows it.
ONE_STREAM = ('mcap, zstd file', 'sqlite3, zstd file', 'ROS 1, bz2')


def test_what_comes_before_the_cut_is_read(
    recording: tuple[Path, bytes, list[bytes]], rounds: int
) -> None:
    path, content, images = recording
    found_at = np.random.default_rng(1).integers(0, len(content), rounds)
    counts = []
    for cut in sorted(found_at):
        storage_file(path).write_bytes(content[:cut])
        found, reader = read(path)
        # SQLite moves its first rows behind later ones when its tree grows.
        assert found == [image for image in images if image in found], f'cut at {cut}'
        assert found == images[: len(found)] or content.startswith(b'SQLite')
        assert reader.losses or len(found) == COUNT
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[-1] >= COUNT // 2


def test_flipped_bytes_cost_no_more_than_what_they_are_in(
    recording: tuple[Path, bytes, list[bytes]], rounds: int, request: pytest.FixtureRequest
) -> None:
    path, content, images = recording
    noise = np.random.default_rng(2)
    whole = []
    for _ in range(rounds):
        damaged = bytearray(content)
        for place in noise.integers(0, len(content), 3):
            damaged[place] ^= int(noise.integers(1, 256))
        storage_file(path).write_bytes(damaged)
        found, _ = read(path)
        whole.append(len(set(found) & set(images)))
    if request.node.callspec.params['recording'] not in ONE_STREAM:
        assert np.median(whole) >= COUNT // 4


def test_images_before_and_behind_a_hole_are_read(tmp_path: Path) -> None:
    images = pictures(COUNT, SIZE)
    for name, path in (
        ('mcap', write_rosbag2(tmp_path / 'mcap', images, MCAP)),
        ('sqlite', write_rosbag2(tmp_path / 'sqlite', images, SQLITE)),
        ('ros1', write_ros1(tmp_path / 'ros1.bag', images)),
        ('lz4', write_lz4_mcap(tmp_path / 'lz4.mcap', images)),
    ):
        content = bytearray(storage_file(path).read_bytes())
        middle = len(content) // 2
        content[middle : middle + 2000] = bytes(2000)
        storage_file(path).write_bytes(content)
        found, reader = read(path)
        kept = [image.tobytes() for image in images if image.tobytes() in found]
        assert len(kept) >= COUNT - 5, name
        assert kept[0] == images[0].tobytes()
        assert kept[-1] == images[-1].tobytes()
        assert reader.losses or len(found) == COUNT, name


def test_noise_is_no_recording(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, 3_000_000, np.uint8).tobytes()
    for name in ('noise.mcap', 'noise.db3', 'noise.bag'):
        for content in (noise, bytes(len(noise)), b''):
            (tmp_path / name).write_bytes(content)
            found, reader = read(tmp_path / name)
            assert found == []
            assert reader.losses, name


def test_a_chunk_with_another_checksum_is_told_and_used(tmp_path: Path) -> None:
    path = write_lz4_mcap(tmp_path / 'bag.mcap', pictures(3))
    content = bytearray(path.read_bytes())
    chunk = content.index(b'\x03\0\0\0lz4')
    content[chunk - 4 : chunk] = b'\x01\0\0\0'
    path.write_bytes(content)
    storage = McapFile(path)
    assert len(list(storage.records(lambda _: True))) == 3
    (loss,) = storage.losses
    assert loss.what == (
        'a chunk of messages is damaged, its checksum does not fit; the rest is used'
    )
