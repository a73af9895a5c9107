from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from seg_perception.core.encodings import ImageError
from seg_perception.replay.bag_frames import camera_name
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.frames import open_frames
from seg_perception.replay.messages import IMAGE
from seg_perception.replay.storage import BagError
from test.replay.bags import START, STEP, pictures, write_ros1
from test.replay.drives import write_drive


@pytest.mark.parametrize('compressed', [False, True])
def test_a_recording_gives_images_with_stamp_frame_and_calibration(
    compressed: bool, tmp_path: Path
) -> None:
    images = pictures(3)
    path = write_drive(tmp_path / 'drive', images, compressed=compressed)
    frames = open_frames(path)
    (camera,) = frames.cameras
    assert (camera.name, camera.info_topic) == ('front', '/front/camera_info')
    for number, (frame, image) in enumerate(zip(frames.read(), images, strict=True)):
        assert (frame.time, frame.stamp) == (START + number * STEP, START + number * (STEP - 1))
        assert frame.frame_id == 'front'
        assert (frame.info.width, frame.info.height) == (64, 48)
        np.testing.assert_array_equal(frame.load(None).bgr(), image)
    assert frames.progress == 1.0
    assert len(list(frames.read(START + STEP, START + 2 * STEP))) == 1


def test_ros1_images_are_the_same(tmp_path: Path) -> None:
    images = pictures(2)
    frames = open_frames(write_ros1(tmp_path / 'drive.bag', images))
    for frame, image in zip(frames.read(), images, strict=True):
        np.testing.assert_array_equal(frame.load(None).bgr(), image)
        assert frame.info is None


def test_of_several_cameras_some_must_be_chosen(tmp_path: Path) -> None:
    path = write_drive(tmp_path / 'drive', pictures(1), ('left', 'right', 'rear/color'))
    with pytest.raises(BagError, match=r'one topic with camera images, got /left/image_raw, '):
        open_frames(path)
    frames = open_frames(path, ['/r*'])
    assert [camera.name for camera in frames.cameras] == ['right', 'rear_color']
    assert [frame.camera.name for frame in frames.read()] == ['right', 'rear_color']
    with pytest.raises(BagError, match='--topic /top: expected a topic of images'):
        open_frames(path, ['/left/*', '/top'])


def test_masks_depth_and_doubles_are_no_cameras(tmp_path: Path) -> None:
    path = tmp_path / 'drive'
    with BagWriter(path) as writer:
        for topic in ('/a/image', '/a/image/compressed', '/a/depth', '/segmentation/label'):
            writer.add_topic(topic, IMAGE)
    assert [camera.topic for camera in open_frames(path).cameras] == ['/a/image']


@pytest.mark.parametrize(
    ('topic', 'name'),
    [
        ('/front/image_raw', 'front'),
        ('/front/image_raw/compressed', 'front'),
        ('/camera/color/image_raw', 'camera_color'),
        ('image', 'image'),
        ('/2/image', 'camera_2'),
        ('/cam-é/image', 'cam__'),
    ],
)
def test_a_camera_is_named_by_its_topic(topic: str, name: str) -> None:
    assert camera_name(topic) == name


def test_a_folder_gives_its_images_at_a_rate(tmp_path: Path) -> None:
    images = pictures(2)
    for name, image in zip(('b.png', 'a.png'), images, strict=True):
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / 'c.jpg').write_bytes(b'no image')
    frames = list(open_frames(tmp_path, rate=4).read())
    assert [frame.stamp for frame in frames] == [10**9, 10**9 + 250_000_000, 10**9 + 500_000_000]
    np.testing.assert_array_equal(frames[0].load(None).bgr(), images[1])
    with pytest.raises(ImageError, match=r'c\.jpg cannot be read as an image'):
        frames[2].load(None)
    with pytest.raises(BagError, match='more than 0 images per second'):
        open_frames(tmp_path, rate=0)


def test_a_video_gives_its_frames_at_its_rate(tmp_path: Path) -> None:
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 5, (64, 48))
    for level in (0, 100, 200):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    frames = open_frames(path)
    found = list(frames.read())
    assert [frame.stamp for frame in found] == [10**9, 12 * 10**8, 14 * 10**8]
    assert [round(float(f.load(None).bgr().mean()), -1) for f in found] == [0, 100, 200]
    assert len(list(frames.read(11 * 10**8, 13 * 10**8))) == 1


def test_what_is_none_of_these_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='no file or folder'):
        open_frames(tmp_path / 'none')
    with pytest.raises(BagError, match='expected a recording or images'):
        open_frames(tmp_path)
    (tmp_path / 'notes.txt').write_text('text')
    with pytest.raises(BagError, match='a recording, a folder of images or a video'):
        open_frames(tmp_path / 'notes.txt')
    cv2.imwrite(str(tmp_path / 'a.png'), pictures(1)[0])
    with pytest.raises(BagError, match='--topic: expected a recording'):
        open_frames(tmp_path, ['/front/*'])
