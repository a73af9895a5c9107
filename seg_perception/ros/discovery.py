"""Subscribes to topics as soon as somebody publishes them, as reliably as is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile

from seg_perception.ros import qos

_PERIOD_S = 0.1


class Discovery:
    """Looks for publishers and calls `found` once for each topic that has one.

    :param topics: resolved names.
    :param found: takes the topic, its type (`sensor_msgs/msg/Image`) and the profile to subscribe
        with.
    :param depth: messages that are kept, so that a moment's work loses none.
    """

    def __init__(
        self,
        node: Node,
        topics: Iterable[str],
        found: Callable[[str, str, QoSProfile], None],
        depth: int,
    ) -> None:
        self._node = node
        self._found = found
        self._depth = depth
        self.missing = list(dict.fromkeys(topics))
        """Topics that nobody has published yet."""
        # On a steady clock: simulated time may not have begun.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(_PERIOD_S, self._look, clock=steady)

    def _look(self) -> None:
        for topic in tuple(self.missing):
            publishers = self._node.get_publishers_info_by_topic(topic)
            if publishers:
                profile = qos.for_publishers(publishers)
                profile.depth = self._depth
                self.missing.remove(topic)
                self._found(topic, publishers[0].topic_type, profile)
        if not self.missing:
            self._timer.cancel()
