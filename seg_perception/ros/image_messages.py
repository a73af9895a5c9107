"""Pictures as messages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image

if TYPE_CHECKING:
    from array import array

    from std_msgs.msg import Header

Picture = npt.NDArray[np.uint8]


class MessageMemory:
    """Pictures that are made in the memory of the messages that carry them.

    The setter of an image's `data` copies what it is given, or checks it byte by byte. The array
    that a new message has can be made long in place instead.
    """

    def __init__(self) -> None:
        self._messages: dict[int, Image] = {}

    def allocate(self, shape: tuple[int, ...]) -> Picture:
        """Return a picture, uint8 [H, W] or [H, W, 3], of zeros."""
        message = Image()
        octets: array[int] = message.data
        octets.append(0)
        octets *= math.prod(shape)
        picture = np.frombuffer(octets, np.uint8).reshape(shape)
        self._messages[_address(picture)] = message
        return picture

    def message(self, header: Header, picture: Picture) -> Image:
        """Return a picture, mono [H, W] or BGR [H, W, 3], as a message; without a copy if it can.

        That is so for pictures that `allocate` returned, each once.
        """
        message = self._messages.pop(_address(picture), None)
        if message is None or len(message.data) != picture.size:
            message = Image()
            message.data.frombytes(np.ascontiguousarray(picture).data)
        message.header = header
        message.height, message.width = picture.shape[:2]
        message.encoding = 'mono8' if picture.ndim == 2 else 'bgr8'
        message.step = picture[0].size
        return message


def image_message(header: Header, picture: Picture) -> Image:
    """Return a picture, mono uint8 [H, W] or BGR [H, W, 3], as a message."""
    return MessageMemory().message(header, picture)


def jpeg_message(header: Header, picture: Picture, quality: int) -> CompressedImage:
    """Return a BGR picture, uint8 [H, W, 3], as a JPEG of the quality 1 to 100."""
    _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    message = CompressedImage(header=header, format='bgr8; jpeg compressed bgr8')
    message.data.frombytes(np.asarray(data, np.uint8).data)
    return message


def _address(picture: Picture) -> int:
    return int(picture.__array_interface__['data'][0])
