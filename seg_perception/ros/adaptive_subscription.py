"""A subscription that follows what is published: which topic, and with which quality of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rclpy.qos import qos_policy_name_from_kind

from seg_perception.ros import qos

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # its place in ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rclpy.node import Node
    from rclpy.qos import QoSProfile
    from rclpy.subscription import Subscription


class Source(NamedTuple):
    """A topic, with its whole name, and the type of its messages."""

    topic: str
    type: type

    @property
    def type_name(self) -> str:
        """The type as ROS tools have it."""
        package, _, _ = self.type.__module__.partition('.')
        return f'{package}/msg/{self.type.__name__}'


class AdaptiveSubscription:
    """Subscribes to the first of some topics that is published, and stays there while none is.

    Reliable and transient local where all publishers offer that, else best effort and volatile;
    `qos_overrides.<topic>.subscription.<policy>` of a user go first. `look` subscribes anew when
    the publishers have changed; the messages that come at that moment are lost.

    :param callback: called in the executor's thread with each message.
    :param complain: called with a sentence when a publisher's offer cannot be received.
    :raises Exception: of any type, when it cannot be subscribed to.
    """

    def __init__(
        self,
        node: Node,
        sources: Sequence[Source],
        callback: Callable[[Any], None],
        complain: Callable[[str], None],
    ) -> None:
        self._node = node
        self._sources = sources
        self._callback = callback
        self._complain = complain
        self._subscription: Subscription | None = None
        self._profile: QoSProfile | None = None
        self.source = sources[0]
        """What is subscribed to."""
        self.look()

    def look(self) -> bool:
        """Look at the publishers and tell whether it was subscribed anew."""
        source = next(filter(self._publishers, self._sources), None)
        if source is None and self._subscription is not None:
            return False  # a camera that comes back is likely to be as it was
        source = source or self.source
        profile = qos.for_publishers(self._publishers(source))
        profile = qos.override(profile, self._overrides(source))
        if (source, profile) == (self.source, self._profile):
            return False
        anew = self._subscription is not None
        self.close()
        self._subscription = self._node.create_subscription(
            source.type,
            source.topic,
            self._callback,
            profile,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._incompatible),
        )
        self.source, self._profile = source, profile
        if anew:
            self._node.get_logger().info(f'subscribed anew, as it is published: {self}')
        return True

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def __str__(self) -> str:
        profile = '' if self._profile is None else f' ({qos.describe(self._profile)})'
        return f'{self.source.topic}{profile}'

    def _publishers(self, source: Source) -> list[Any]:
        publishers = self._node.get_publishers_info_by_topic(source.topic)
        return [publisher for publisher in publishers if publisher.topic_type == source.type_name]

    def _overrides(self, source: Source) -> Mapping[str, Any]:
        parameters = self._node.get_parameters_by_prefix(
            f'qos_overrides.{source.topic}.subscription'
        )
        return {policy: parameter.value for policy, parameter in parameters.items()}

    def _incompatible(self, event: Any) -> None:
        # It was subscribed for other publishers, and may be anew before anybody reads this.
        if self.look():
            return
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        self._complain(
            f'a publisher of {self.source.topic} offers a quality of service that cannot be '
            f'received ({policy}): its messages do not arrive until it or `qos_overrides.'
            f'{self.source.topic}.subscription` is changed'
        )
