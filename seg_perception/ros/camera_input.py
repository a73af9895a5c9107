"""The camera's topics: newest image, latest camera info, and why no image comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from rclpy.qos import qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.core.compressed import decode_compressed
from seg_perception.core.encodings import ImageError, RawImage, UnknownEncodingError, view_image
from seg_perception.ros import qos
from seg_perception.ros.camera_info import is_calibrated

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # its place in ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node
    from rclpy.subscription import Subscription

ImageMessage: TypeAlias = Image | CompressedImage


class CameraInput:
    """Subscribes to one camera.

    :param transport: `raw` subscribes to `image`, `compressed` to `<image>/compressed`, both after
        remapping.
    :param on_image: called in the executor's thread for each image that arrives.
    :param complain: called with a sentence when a publisher's offer cannot be received.
    :raises RuntimeError: when the topics cannot be subscribed to; nothing is left of them then.
    """

    def __init__(
        self,
        node: Node,
        *,
        transport: str,
        on_image: Callable[[ImageMessage], None],
        complain: Callable[[str], None],
    ) -> None:
        self._node = node
        self._on_image = on_image
        self._complain = complain
        self._type: type[ImageMessage] = Image
        self.topic = node.resolve_topic_name('image')
        if transport == 'compressed':
            self._type = CompressedImage
            self.topic += '/compressed'
        self.info: CameraInfo | None = None
        """The latest camera info; None before the first and for an uncalibrated camera."""
        self.last_arrival = time.monotonic()
        """When the last image came, or the subscription was made, on the monotonic clock, in s."""
        self._subscriptions: list[Subscription] = []
        try:
            self._subscribe()
        except Exception as error:  # of any type: rclpy asserts, too
            self.close()
            raise RuntimeError(
                f'cannot subscribe to {self.topic} and {node.resolve_topic_name("camera_info")}: '
                'check that each is remapped to a topic of its own, and their qos_overrides '
                f'({error!r})'
            ) from error

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def why_silent(self) -> str:
        """Return how many publishers there are and what may keep their images away."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        wanted = f'sensor_msgs/msg/{self._type.__name__}'
        others = sorted({p.topic_type for p in publishers} - {wanted})
        if not publishers:
            hint = 'remap `image` to the topic of the camera, or start it'
        elif others:
            hint = f'they publish {", ".join(others)}, expected {wanted}: set `transport` or remap'
        else:
            hint = (
                'the camera is silent, or its images get lost on the way or are offered with an '
                'incompatible quality of service (qos_overrides, transport buffers)'
            )
        return f'publishers: {len(publishers)}; {hint}'

    def _subscribe(self) -> None:
        image = self._node.create_subscription(
            self._type,
            self.topic,
            self._receive,
            qos.CAMERA,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._incompatible),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._subscriptions.append(image)
        info = self._node.create_subscription(
            CameraInfo, 'camera_info', self._receive_info, qos.CAMERA
        )
        self._subscriptions.append(info)

    def _receive(self, message: ImageMessage) -> None:
        self.last_arrival = time.monotonic()
        self._on_image(message)

    def _receive_info(self, info: CameraInfo) -> None:
        self.info = info if is_calibrated(info) else None

    def _incompatible(self, event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        self._complain(
            f'a publisher of {self.topic} offers a quality of service that cannot be received '
            f'({policy}): its images do not arrive until it or `qos_overrides.{self.topic}.'
            'subscription` is changed'
        )


def decode(message: ImageMessage) -> RawImage:
    """Return the image in a message, raw ones as a view of the message's memory.

    :raises ImageError: when the message is not a valid image.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message.data)
    try:
        return _view(message)
    except UnknownEncodingError:
        converted = _through_cv_bridge(message)
        if converted is None:
            raise
        return _view(converted)


def _view(message: Image) -> RawImage:
    return view_image(
        encoding=message.encoding,
        width=message.width,
        height=message.height,
        step=message.step,
        is_bigendian=bool(message.is_bigendian),
        data=message.data,
    )


def _through_cv_bridge(message: Image) -> Image | None:
    """Return the image as bgr8 where the optional cv_bridge is installed, else None."""
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError:
        return None
    bridge = CvBridge()
    try:
        return bridge.cv2_to_imgmsg(bridge.imgmsg_to_cv2(message, 'bgr8'), 'bgr8')
    except (CvBridgeError, RuntimeError, TypeError, ValueError) as error:
        raise ImageError(
            f'image encoding {message.encoding!r} is unknown here and cv_bridge fails with it: '
            f'{error}; set the camera driver to bgr8 or rgb8'
        ) from error
