"""Arrays as messages and messages as arrays."""

from __future__ import annotations

import sys
from array import array
from types import ModuleType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from seg_perception.core.encodings import ImageError, UnknownEncodingError
from seg_perception.ros.camera_input import decode
from seg_perception.ros.image_messages import MessageMemory, image_message, jpeg_message

if TYPE_CHECKING:
    import numpy.typing as npt

HEADER = Header(frame_id='camera')
PICTURE = np.random.default_rng(1).integers(0, 256, (6, 10, 3), np.uint8)


@pytest.mark.parametrize('picture', [PICTURE, PICTURE[:, :, 0], PICTURE[1:5, 2:8]])
def test_a_picture_and_back(picture: npt.NDArray[np.uint8]) -> None:
    message = image_message(HEADER, picture)
    assert message.header == HEADER
    assert message.encoding == ('bgr8' if picture.ndim == 3 else 'mono8')
    assert (message.height, message.width) == picture.shape[:2]
    gray = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    np.testing.assert_array_equal(decode(message).bgr(), gray)


@pytest.mark.parametrize('shape', [(6, 10), (6, 10, 3)])
def test_a_picture_that_is_made_in_a_message_is_not_copied(shape: tuple[int, ...]) -> None:
    memory = MessageMemory()
    picture = memory.allocate(shape)
    assert not picture.any()
    picture[:] = np.resize(PICTURE, shape)
    message = memory.message(HEADER, picture)
    np.testing.assert_array_equal(np.frombuffer(message.data, np.uint8).reshape(shape), picture)
    assert np.shares_memory(np.frombuffer(message.data, np.uint8), picture)
    assert (message.height, message.width, message.step) == (6, 10, 10 * (len(shape) // 3 * 2 + 1))
    # Another message of the same picture has memory of its own.
    assert not np.shares_memory(
        np.frombuffer(memory.message(HEADER, picture).data, np.uint8), picture
    )


def test_a_jpeg_and_back() -> None:
    flat = np.full((16, 16, 3), (30, 60, 90), np.uint8)
    message = jpeg_message(HEADER, flat, 100)
    assert message.header == HEADER
    assert np.abs(decode(message).bgr().astype(int) - flat).max() <= 2


def depth_image() -> Image:
    data = np.arange(12, dtype=np.float32).tobytes()
    return Image(height=3, width=4, encoding='32FC1', step=16, data=array('B', data))


def test_an_unknown_encoding_without_cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(UnknownEncodingError, match='install cv_bridge'):
        decode(depth_image())


def test_an_unknown_encoding_goes_through_cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    class CvBridgeError(TypeError):
        pass

    class CvBridge:  # the interface of the real one, which is compiled and not installed everywhere
        def imgmsg_to_cv2(self, message: Image, encoding: str) -> npt.NDArray[np.uint8]:
            assert encoding == 'bgr8'
            if message.encoding != '32FC1':
                raise CvBridgeError('no such encoding')
            return PICTURE

        def cv2_to_imgmsg(self, image: npt.NDArray[np.uint8], encoding: str) -> Image:
            assert encoding == 'bgr8'
            return image_message(HEADER, image)

    module = ModuleType('cv_bridge')
    vars(module).update(CvBridge=CvBridge, CvBridgeError=CvBridgeError)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    np.testing.assert_array_equal(decode(depth_image()).bgr(), PICTURE)
    message = depth_image()
    message.encoding = '64FC3'
    with pytest.raises(ImageError, match="'64FC3' is unknown here and cv_bridge fails with it"):
        decode(message)
