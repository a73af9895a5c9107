"""A camera's outputs: which have listeners."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.core.products import COLOR, OVERLAY, PRODUCTS
from seg_perception.msg import FrameReport
from seg_perception.ros import qos
from seg_perception.ros.ground_outputs import GROUND_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.node import Node
    from rclpy.publisher import Publisher

CAMERA_INFO = 'camera_info'
REPORT = 'report'
COMPRESSED = '/compressed'

OFFERED: dict[str, type[Any]] = {
    **dict.fromkeys(PRODUCTS, Image),
    **dict.fromkeys((COLOR + COMPRESSED, OVERLAY + COMPRESSED), CompressedImage),
    CAMERA_INFO: CameraInfo,
    REPORT: FrameReport,
    **GROUND_TYPES,
}
"""The types of the outputs of a camera, by their names."""


class Publishers:
    """Topics of one camera below the node's name.

    :param camera: its name; empty where the node has but one, and for what is of all cameras.
    :param types: of the outputs, by their names.
    :param unmade: outputs that are not offered, and why.
    :raises RuntimeError: when one cannot be offered; nothing is left of the others then.
    """

    def __init__(
        self,
        node: Node,
        camera: str,
        types: Mapping[str, type[Any]] = OFFERED,
        *,
        unmade: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._node = node
        prefix = f'~/{camera}/' if camera else '~/'
        self._unmade = {node.resolve_topic_name(prefix + name): why for name, why in unmade.items()}
        self._publishers: dict[str, Publisher] = {}
        for name, message in types.items():
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
