"""Which number in ~/label is which class, told before the first mask and to whoever comes later."""

from __future__ import annotations

import importlib
import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

from std_msgs.msg import String

from seg_perception.core.labels import UNLABELLED
from seg_perception.ros import qos

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.publisher import Publisher

    from seg_perception.core.labels import LabelSet

TOPIC = '~/label_info'


class LabelInfo:
    """Offers the classes on `~/label_info`, latched (transient local).

    As vision_msgs/LabelInfo where that is installed, elsewhere its fields as JSON in a
    std_msgs/String. Unlabelled (255) is one of the classes.

    :param threshold: confidence (0 to 1) below which a pixel is unlabelled.
    """

    def __init__(self, node: Node, labels: LabelSet, threshold: float) -> None:
        self._node = node
        messages = vision_messages()
        classes = [*enumerate(labels.names), (UNLABELLED, 'unlabelled')]
        kind: type[Any] = String if messages is None else messages.LabelInfo
        self._publisher: Publisher = node.create_publisher(kind, TOPIC, qos.LATCHED)
        if messages is None:
            class_map = [{'class_id': number, 'class_name': name} for number, name in classes]
            content = {'class_map': class_map, 'threshold': threshold}
            self._publisher.publish(String(data=json.dumps(content)))
            return
        info = messages.LabelInfo(threshold=threshold)
        info.header.stamp = node.get_clock().now().to_msg()
        info.class_map = [messages.VisionClass(class_id=n, class_name=name) for n, name in classes]
        self._publisher.publish(info)

    def close(self) -> None:
        """Withdraw it."""
        self._node.destroy_publisher(self._publisher)


def vision_messages() -> ModuleType | None:
    """Return vision_msgs.msg; None where it is not installed, or too old to have LabelInfo."""
    try:
        module = importlib.import_module('vision_msgs.msg')
    except ImportError:
        return None
    return module if hasattr(module, 'LabelInfo') else None
