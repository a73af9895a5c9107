"""A node under test with a camera and consumers beside it, on a graph of its own."""

from __future__ import annotations

import itertools
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import rclpy.time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import OccupancyGrid
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from seg_perception.msg import FrameReport
from seg_perception.ros.frame_counts import Drop, Totals
from seg_perception.ros.ground_outputs import DRIVABLE_GRID, GROUND_TYPES, OF_ALL_CAMERAS
from seg_perception.ros.segmentation_node import SegmentationNode
from test.graph.spinner import RELIABLE, Inbox, Spinner, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

    from seg_perception.ros.camera_input import CameraInput

_TYPES: dict[str, type] = {
    'color/compressed': CompressedImage,
    'overlay/compressed': CompressedImage,
    'camera_info': CameraInfo,
    'report': FrameReport,
    **GROUND_TYPES,
    DRIVABLE_GRID: OccupancyGrid,
}


class Bench:
    """The node under test (in this process, in a context of its own), cameras and consumers."""

    def __init__(self, model: Path, remap: str = '', /, **parameters: object) -> None:
        # A busy machine must not make frames stale or the watchdog bark where neither is tested;
        # tests send the same image again, too.
        calm = {'autostart': False, 'max_age': 0.0, 'watchdog': 0.0, 'frozen_after': 0.0}
        overrides = {'model': str(model), **calm, **parameters}
        self._tester = Spinner(lambda context: Node('tester', context=context))
        self._tested = Spinner(
            lambda context: SegmentationNode(
                context=context,
                cli_args=['--ros-args', '-r', remap] if remap else None,
                parameter_overrides=[Parameter(k, value=v) for k, v in overrides.items()],
            )
        )
        self.node: SegmentationNode = self._tested.node
        self.tester: Node = self._tester.node
        self.names: list[str] = list(overrides.get('cameras', ['']))  # type: ignore[call-overload]
        self.cameras = {name: self._camera_topics(name) for name in self.names}
        self.statuses: Inbox = self._listen(DiagnosticArray, '/diagnostics')
        self._sent = itertools.count(1)

    def _camera_topics(self, name: str) -> dict[str, Any]:
        prefix = f'{name}/' if name else ''
        reliable = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
        topics: dict[str, tuple[type, str]] = {
            'raw': (Image, 'image'),
            'compressed': (CompressedImage, 'image/compressed'),
            'camera_info': (CameraInfo, 'camera_info'),
        }
        return {
            kind: self.tester.create_publisher(message, prefix + topic, reliable)
            for kind, (message, topic) in topics.items()
        }

    def close(self) -> None:
        self._tested.close()
        self._tester.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The life cycle, in the node's own thread as its services do it.

    def transition(self, name: str) -> bool:
        """Trigger a transition and tell whether it succeeded."""
        result = self._tested.call(getattr(self.node, f'trigger_{name}'))
        return bool(result.name == 'SUCCESS')

    def activate(self, transport: str = 'raw') -> None:
        """Configure and activate, and wait until the camera is connected."""
        assert self.transition('configure')
        assert self.transition('activate')
        self.await_connection(transport)

    def await_connection(self, transport: str = 'raw') -> None:
        """Wait until camera and node know of each other, so that no image is lost."""
        publishers = [
            camera[kind] for camera in self.cameras.values() for kind in (transport, 'camera_info')
        ]
        topics = {publisher.topic_name for publisher in publishers}

        def connected() -> bool:
            subscriptions = [s for s in self.node.subscriptions if s.topic_name in topics]
            return (
                len(subscriptions) == len(topics)
                and all(s.qos_profile.reliability.name == 'RELIABLE' for s in subscriptions)
                and all(s.get_publisher_count() == 1 for s in subscriptions)
                and all(publisher.get_subscription_count() == 1 for publisher in publishers)
            )

        wait_until(connected, f'{topics} to connect')

    def set(self, **parameters: object) -> list[str]:
        """Set parameters and return the reasons for which they were refused."""
        values = [Parameter(k, value=v) for k, v in parameters.items()]
        results = self._tested.call(lambda: self.node.set_parameters(values))
        return [result.reason for result in results if not result.successful]

    def offer(self, kind: str, profile: QoSProfile, camera: str = '') -> None:
        """Have a camera publish its `raw`, `compressed` or `camera_info` like that from now on."""
        topics = self.cameras[camera]
        message, topic = topics[kind].msg_type, topics[kind].topic_name
        self.withdraw(kind, camera)
        topics[kind] = self.tester.create_publisher(message, topic, profile)

    def withdraw(self, kind: str, camera: str = '') -> None:
        """Have a camera publish its `raw`, `compressed` or `camera_info` no more."""
        self.tester.destroy_publisher(self.cameras[camera][kind])

    # What comes out.

    def listen(self, *outputs: str, camera: str = '') -> list[Inbox]:
        """Subscribe to outputs, as consumers do, and wait until the node knows of it."""
        inboxes = []
        for output in outputs:
            below = f'{camera}/' if camera and output not in OF_ALL_CAMERAS else ''
            topic = f'segmentation/{below}{output}'
            inboxes.append(self._listen(_TYPES.get(output, Image), topic))
        for output in outputs:
            self.await_listeners(output, 1, camera)
        return inboxes

    def await_listeners(self, output: str, count: int, camera: str = '') -> None:
        outputs = self.node._grid.publishers  # type: ignore[union-attr]
        if output not in OF_ALL_CAMERAS:
            outputs = self.node._cameras[self.names.index(camera)].publishers
        publisher = outputs._publishers[output]
        wait_until(
            lambda: publisher.get_subscription_count() == count, f'{count} listeners of {output}'
        )

    def _listen(self, message_type: type, topic: str) -> Inbox:
        inbox = Inbox()
        subscription = self.tester.create_subscription(message_type, topic, inbox.append, RELIABLE)
        wait_until(lambda: subscription.get_publisher_count() > 0, f'a publisher of {topic}')
        return inbox

    def status(self, level: bytes, text: str = '') -> DiagnosticStatus:
        """Wait for a status of that level with that text in its message, and return it."""

        def found() -> list[DiagnosticStatus]:
            statuses = [status for array in self.statuses for status in array.status]
            return [s for s in statuses if s.level == level and text in s.message]

        self.statuses.clear()
        try:
            wait_until(lambda: bool(found()), f'a status of level {level!r} with {text!r}')
        except AssertionError as error:
            raise AssertionError(f'{error}; the last: {self.statuses[-1:]}') from None
        return found()[-1]

    def await_complaint(self, text: str) -> None:
        """Wait until the last message about a frame has that text."""
        complaints = self.node._cameras[0].complaints
        wait_until(lambda: text in complaints.last, f'a message with {text!r}')

    def await_totals(self, camera: str | None = None, /, **expected: int) -> None:
        """Wait until the node has counted that of one or of all cameras; names as in the report."""
        wait_until(lambda: self.counts(camera) == {**_NONE, **expected}, f'{expected}')

    def counts(self, camera: str | None = None) -> dict[str, int]:
        """Return what the node has counted of one or of all cameras."""
        if camera is None:
            return counts(self.node.totals)
        return counts(self.node._cameras[self.names.index(camera)].counts.totals)

    # What goes in.

    def stamp(self, age: float = 0.0) -> Any:
        """Return the time `age` seconds ago, different for each call."""
        moment = self.node.get_clock().now().nanoseconds - int(age * 1e9) + next(self._sent)
        return rclpy.time.Time(nanoseconds=moment).to_msg()

    def header(self, stamp: Any) -> Header:
        return Header(stamp=stamp, frame_id='camera_optical_frame')

    def send(
        self,
        image: npt.NDArray[np.uint8],
        encoding: str = 'rgb8',
        camera: str = '',
        **fields: Any,
    ) -> Image:
        """Publish an image, uint8 [H, W] or [H, W, C]; `fields` replace those of the message."""
        message = raw_message(image, encoding)
        message.header = self.header(self.stamp())
        for name, value in fields.items():
            setattr(message, name, value)
        self.cameras[camera]['raw'].publish(message)
        return message

    def await_time(self, second: int) -> None:
        """Wait until the node's clock shows that second."""
        clock = self.node.get_clock()
        wait_until(lambda: clock.now().nanoseconds == second * 10**9, f'second {second}')

    def input(self, camera: str = '') -> CameraInput:
        """Return the node's end of a camera."""
        return self.node._serving.inputs[self.names.index(camera)]  # type: ignore[union-attr]

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Wait until the node has received an image that is sent in the `with` block."""
        camera = self.input()
        before = camera.last_arrival
        yield
        wait_until(lambda: camera.last_arrival != before, 'an image to arrive')

    def send_info(self, info: CameraInfo, name: str = '') -> None:
        """Publish a camera info and wait until the node has it."""
        camera = self.input(name)
        before = camera.info
        self.cameras[name]['camera_info'].publish(info)
        wait_until(lambda: camera.info is not before, 'the camera info to arrive')

    def send_compressed(self, data: bytes) -> CompressedImage:
        message = CompressedImage(format='jpeg', data=array('B', data))
        message.header = self.header(self.stamp())
        self.cameras['']['compressed'].publish(message)
        return message


_NONE = {'frames_in': 0, 'frames_out': 0, **{f'dropped_{drop.value}': 0 for drop in Drop}}


def counts(totals: Totals) -> dict[str, int]:
    """Return totals under the names they have in the report."""
    drops = {f'dropped_{drop.value}': count for drop, count in totals.dropped.items()}
    return {'frames_in': totals.frames_in, 'frames_out': totals.frames_out, **drops}


def raw_message(image: npt.NDArray[np.uint8], encoding: str = 'rgb8') -> Image:
    """Return an image as a message without a header."""
    data = np.ascontiguousarray(image)
    return Image(
        height=data.shape[0],
        width=data.shape[1],
        encoding=encoding,
        step=data.strides[0],
        data=array('B', data.tobytes()),
    )


def pixels(message: Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of a result, [H, W] for mono8 and [H, W, 3] for bgr8."""
    shape = (message.height, message.width, 3)[: 2 if message.encoding == 'mono8' else 3]
    assert message.encoding in ('mono8', 'bgr8')
    assert message.step * message.height == len(message.data)
    return np.frombuffer(message.data, np.uint8).reshape(shape)
