from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from seg_perception.sim.scene import Scene
from seg_perception.sim.sources import SourceError, open_source


def write_images(folder: Path, values: dict[str, int]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, value in values.items():
        cv2.imwrite(str(folder / name), np.full((20 + value, 30, 3), value, np.uint8))
    return folder


def test_scene_is_the_street_at_the_rate() -> None:
    source = open_source('scene', width=96, height=64, rate=5.0, seed=3)
    frame = source.frame(7)
    expected = Scene(3, 96, 64).frame(7 / 5.0)
    assert frame is not None
    assert frame.label is not None
    np.testing.assert_array_equal(frame.bgr, expected.bgr)
    np.testing.assert_array_equal(frame.label, expected.label)
    assert source.size == (96, 64)
    assert source.has_truth
    assert source.intrinsics == Scene(3, 96, 64).intrinsics
    camera = Scene(3, 96, 64).camera
    assert source.mount == (camera.mount_height, camera.pitch)
    assert frame.name == 'scene_000007'


def test_folder_plays_images_by_name_and_again(tmp_path: Path) -> None:
    write_images(tmp_path, {'b.png': 2, 'a.png': 1, 'c.PNG': 3})
    (tmp_path / 'notes.txt').write_text('no image')
    source = open_source(str(tmp_path))
    frames = [source.frame(index) for index in range(5)]
    assert [frame.name for frame in frames if frame] == ['a', 'b', 'c', 'a', 'b']
    assert [int(frame.bgr[0, 0, 0]) for frame in frames if frame] == [1, 2, 3, 1, 2]
    assert [frame.bgr.shape for frame in frames if frame][1] == (22, 30, 3)
    assert source.size == (30, 21)
    assert source.intrinsics is None
    assert source.mount is None
    assert not source.has_truth


def test_folder_ends_without_loop(tmp_path: Path) -> None:
    source = open_source(str(write_images(tmp_path, {'a.png': 1, 'b.png': 2})), loop=False)
    assert source.frame(1) is not None
    assert source.frame(2) is None


def test_folder_leaves_out_what_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_images(tmp_path, {'a.png': 1, 'c.png': 3})
    (tmp_path / 'b.jpg').write_bytes(b'not a picture')
    source = open_source(str(tmp_path))
    with caplog.at_level(logging.WARNING):
        names = [frame.name for index in range(4) if (frame := source.frame(index))]
    assert names == ['a', 'c', 'a', 'c']
    assert [record.getMessage() for record in caplog.records] == [
        f'{tmp_path / "b.jpg"} cannot be read as an image and is left out'
    ]


def test_video_plays_frames_and_again(tmp_path: Path) -> None:
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    for value in (40, 120, 200):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    source = open_source(str(path))
    frames = [source.frame(index) for index in (0, 2, 3, 4)]
    values = [int(frame.bgr.mean()) for frame in frames if frame]
    assert values == pytest.approx([40, 200, 40, 120], abs=3)
    assert source.size == (64, 48)
    once = open_source(str(path), loop=False)
    assert [once.frame(index) is None for index in range(4)] == [False, False, False, True]


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'no file or folder .*nowhere; give .scene., a folder'):
        open_source(str(tmp_path / 'nowhere'))
    with pytest.raises(SourceError, match=r'holds no images .*subfolders are not searched'):
        open_source(str(tmp_path))
    (tmp_path / 'a.png').write_bytes(b'broken')
    with pytest.raises(SourceError, match='holds no image that can be read'):
        open_source(str(tmp_path))
    with pytest.raises(SourceError, match='is no video that can be read'):
        open_source(str(tmp_path / 'a.png'))
    with pytest.raises(SourceError, match='at least 16x16 pixels, got 8x64'):
        open_source('scene', width=8, height=64)
    with pytest.raises(SourceError, match='rate above 0'):
        open_source('scene', width=64, height=64, rate=0)
