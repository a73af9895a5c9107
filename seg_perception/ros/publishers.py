"""A camera's outputs: which have listeners, and arrays as messages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.core.products import COLOR, OVERLAY, PRODUCTS
from seg_perception.msg import FrameReport
from seg_perception.ros import qos

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping

    from rclpy.node import Node
    from rclpy.publisher import Publisher
    from std_msgs.msg import Header

Picture = npt.NDArray[np.uint8]

CAMERA_INFO = 'camera_info'
REPORT = 'report'
COMPRESSED = '/compressed'

_TYPES = {
    **dict.fromkeys(PRODUCTS, Image),
    **dict.fromkeys((COLOR + COMPRESSED, OVERLAY + COMPRESSED), CompressedImage),
    CAMERA_INFO: CameraInfo,
    REPORT: FrameReport,
}


class Publishers:
    """The topics of one camera below the node's name.

    :param camera: its name; empty where the node has but one.
    :param unmade: outputs that are not offered, and why.
    :raises RuntimeError: when one cannot be offered; nothing is left of the others then.
    """

    def __init__(self, node: Node, camera: str, unmade: Mapping[str, str]) -> None:
        self._node = node
        prefix = f'~/{camera}/' if camera else '~/'
        self._unmade = {node.resolve_topic_name(prefix + name): why for name, why in unmade.items()}
        self._publishers: dict[str, Publisher] = {}
        for name, message in _TYPES.items():
            if name in unmade:
                continue
            try:
                self._publishers[name] = node.create_publisher(message, prefix + name, qos.RESULT)
            except Exception as error:  # of any type: rclpy has many
                self.close()
                raise RuntimeError(
                    f'cannot offer {prefix}{name}: check that it is remapped to a topic of its own '
                    f'({error!r})'
                ) from error

    def close(self) -> None:
        """Withdraw the topics."""
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)
        self._publishers.clear()

    def wanted(self) -> frozenset[str]:
        """Return the names of the outputs that somebody listens to."""
        return frozenset(
            name
            for name, publisher in self._publishers.items()
            if publisher.get_subscription_count()
        )

    def asked_in_vain(self) -> str:
        """Return why a topic that somebody listens to is not offered; empty if there is none."""
        return '; '.join(
            f'{topic} is asked for and cannot be published: {why}'
            for topic, why in self._unmade.items()
            if self._node.count_subscribers(topic)
        )

    def publish(self, name: str, message: object) -> None:
        """Publish a message of the output's type."""
        self._publishers[name].publish(message)


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
