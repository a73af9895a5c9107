"""The node's outputs: which have listeners, and arrays as messages."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.msg import FrameReport
from seg_perception.ros import qos
from seg_perception.ros.pipeline import (
    COLOR,
    CONFIDENCE,
    DRIVABLE,
    LABEL,
    OBSTACLE,
    OVERLAY,
    Picture,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.node import Node
    from rclpy.publisher import Publisher
    from std_msgs.msg import Header

CAMERA_INFO = 'camera_info'
REPORT = 'report'
COMPRESSED = '/compressed'

_TYPES = {
    **dict.fromkeys((LABEL, CONFIDENCE, DRIVABLE, OBSTACLE, COLOR, OVERLAY), Image),
    **dict.fromkeys((COLOR + COMPRESSED, OVERLAY + COMPRESSED), CompressedImage),
    CAMERA_INFO: CameraInfo,
    REPORT: FrameReport,
}


class Publishers:
    """The topics below the node's name.

    :param unmade: outputs that are not offered, and why.
    :raises RuntimeError: when one cannot be offered; nothing is left of the others then.
    """

    def __init__(self, node: Node, unmade: Mapping[str, str]) -> None:
        self._node = node
        self._unmade = {node.resolve_topic_name(f'~/{name}'): why for name, why in unmade.items()}
        self._publishers: dict[str, Publisher] = {}
        for name, message in _TYPES.items():
            if name in unmade:
                continue
            try:
                self._publishers[name] = node.create_publisher(message, f'~/{name}', qos.RESULT)
            except Exception as error:  # of any type: rclpy has many
                self.close()
                raise RuntimeError(
                    f'cannot offer ~/{name}: check that it is remapped to a topic of its own '
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


def image_message(header: Header, image: Picture) -> Image:
    """Return a picture, uint8 [H, W] or BGR [H, W, 3], as a message."""
    height, width = image.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding='mono8' if image.ndim == 2 else 'bgr8',
        step=image[0].size,
        data=_octets(image),
    )


def jpeg_message(header: Header, image: Picture, quality: int) -> CompressedImage:
    """Return a BGR picture, uint8 [H, W, 3], as a JPEG of the quality 1 to 100."""
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return CompressedImage(
        header=header, format='bgr8; jpeg compressed bgr8', data=_octets(np.asarray(data, np.uint8))
    )


def _octets(data: npt.NDArray[np.uint8]) -> array[int]:
    # The messages' setters take an array.array as it is; anything else they check byte by byte,
    # which costs a second for a large image.
    octets = array('B')
    octets.frombytes(np.ascontiguousarray(data).data)
    return octets
