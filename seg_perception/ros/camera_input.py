"""A camera's topics: newest image, latest camera info, and why no image comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.core.compressed import decode_compressed
from seg_perception.core.encodings import ImageError, RawImage, UnknownEncodingError, view_image
from seg_perception.ros.adaptive_subscription import AdaptiveSubscription, Source
from seg_perception.ros.camera_info import is_calibrated

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

ImageMessage: TypeAlias = Image | CompressedImage


class CameraInput:
    """Subscribes to one camera, and follows what it publishes.

    :param name: of the camera; its topics are `<name>/image` and `<name>/camera_info`, without
        `<name>/` where it is empty, after remapping.
    :param transport: `raw` subscribes to the image topic, `compressed` to `<image>/compressed`,
        `auto` to the one that is published, rather to raw.
    :param on_image: called in the executor's thread for each image that arrives.
    :param complain: called with a sentence when a publisher's offer cannot be received.
    :raises RuntimeError: when the topics cannot be subscribed to; nothing is left of them then.
    """

    def __init__(
        self,
        node: Node,
        *,
        name: str = '',
        transport: str,
        on_image: Callable[[ImageMessage], None],
        complain: Callable[[str], None],
    ) -> None:
        self._node = node
        self._on_image = on_image
        prefix = f'{name}/' if name else ''
        topic, info_topic = (
            node.resolve_topic_name(prefix + last) for last in ('image', 'camera_info')
        )
        raw, compressed = Source(topic, Image), Source(f'{topic}/compressed', CompressedImage)
        sources = {'raw': [raw], 'compressed': [compressed], 'auto': [raw, compressed]}[transport]
        self._remapped = f'{prefix}image'
        self.info: CameraInfo | None = None
        """The latest camera info; None before the first and for an uncalibrated camera."""
        self.last_arrival = time.monotonic()
        """When the last image came, or the subscription was made, on the monotonic clock, in s."""
        self._subscriptions: list[AdaptiveSubscription] = []
        try:
            self._images = AdaptiveSubscription(node, sources, self._receive, complain)
            self._subscriptions.append(self._images)
            infos = [Source(info_topic, CameraInfo)]
            self._subscriptions.append(
                AdaptiveSubscription(node, infos, self._receive_info, complain)
            )
        except Exception as error:  # of any type: rclpy asserts, too
            self.close()
            raise RuntimeError(
                f'cannot subscribe to {topic} and {info_topic}: check that each is remapped to a '
                f'topic of its own, and their qos_overrides ({error!r})'
            ) from error

    @property
    def topic(self) -> str:
        """The topic that images are received from."""
        return self._images.source.topic

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            subscription.close()

    def look(self) -> None:
        """Look at what is published, and subscribe anew where that has changed."""
        for subscription in self._subscriptions:
            subscription.look()

    def why_silent(self) -> str:
        """Return how many publishers there are and what may keep their images away."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        wanted = self._images.source.type_name
        others = sorted({p.topic_type for p in publishers} - {wanted})
        if not publishers:
            hint = f'remap `{self._remapped}` to the topic of the camera, or start it'
        elif others:
            hint = f'they publish {", ".join(others)}, expected {wanted}: set `transport` or remap'
        else:
            hint = (
                'the camera is silent, or its images get lost on the way (docs/transport.md) or '
                'are offered with a quality of service that qos_overrides refuse'
            )
        return f'publishers: {len(publishers)}; {hint}'

    def _receive(self, message: ImageMessage) -> None:
        self.last_arrival = time.monotonic()
        self._on_image(message)

    def _receive_info(self, info: CameraInfo) -> None:
        self.info = info if is_calibrated(info) else None


def decode(
    message: ImageMessage, reduction: Callable[[tuple[int, int]], int] | None = None
) -> RawImage:
    """Return the image in a message, raw ones as a view of the message's memory.

    :param reduction: as of `decode_compressed`.
    :raises ImageError: when the message is not a valid image.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message.data, reduction)
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
