"""Has the scene camera play as soon as no frame can get lost any more."""

from __future__ import annotations

import time

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

_SETTLE_S = 0.5
"""Discovery is mutual: what is seen here may take a moment to be seen there."""
_RETRY_S = 2.0


class CameraStarter:
    """Sets the camera's parameter `play` once its images have a subscriber and the results, too.

    :param camera: the namespace of the scene camera.
    :param results: topics that `node` subscribes to and that must have publishers.
    :param timeout: seconds after which `failure` tells what is missing.
    """

    def __init__(
        self, node: Node, *, camera: str, results: tuple[str, ...], timeout: float
    ) -> None:
        self._node = node
        self._image = node.resolve_topic_name(f'{camera}/image_raw')
        self._results = tuple(map(node.resolve_topic_name, results))
        self._timeout = timeout
        self._begun = time.monotonic()
        self._ask_at: float | None = None
        self._client = node.create_client(SetParameters, f'{camera}/scene_camera/set_parameters')
        self._timer = node.create_timer(
            0.1, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.failure = ''

    def _look(self) -> None:
        missing = self._missing()
        now = time.monotonic()
        if now - self._begun > self._timeout:
            missing = missing or 'the camera does not answer'
            self.failure = f'the run cannot begin after {self._timeout:g} s: {missing}'
        if missing:
            self._ask_at = None
        elif self._ask_at is None:
            self._ask_at = now + _SETTLE_S
        elif now >= self._ask_at:
            self._ask_at = now + _RETRY_S
            play = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=True)
            request = SetParameters.Request(parameters=[Parameter(name='play', value=play)])
            self._client.call_async(request).add_done_callback(lambda _: self._timer.cancel())

    def _missing(self) -> str:
        for topic in self._results:
            if not self._node.count_publishers(topic):
                return f'nobody publishes {topic} (the segmentation node is not configured)'
        if not self._node.count_subscribers(self._image):
            return f'nobody subscribes to {self._image} (the segmentation node is not active)'
        if not self._client.service_is_ready():
            return f'there is no service {self._client.srv_name} (the camera does not run)'
        return ''
