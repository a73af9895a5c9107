"""A node under test with a camera and consumers beside it, on a graph of its own."""

from __future__ import annotations

import itertools
import os
import threading
import time
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import rclpy
import rclpy.time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from seg_perception.msg import FrameReport
from seg_perception.ros.frame_counts import Drop, Totals
from seg_perception.ros.segmentation_node import SegmentationNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

PATIENCE_S = 30.0
# Where consumers must not lose a message, so that tests can count.
RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)

# A domain of its own for each process that runs tests: conftest.py chooses it.
DOMAIN = int(os.environ['ROS_DOMAIN_ID'])

_TYPES: dict[str, type] = {
    'color/compressed': CompressedImage,
    'overlay/compressed': CompressedImage,
    'camera_info': CameraInfo,
    'report': FrameReport,
}


class Spinner:
    """A context, one node of it, and a thread that spins it."""

    def __init__(self, make: Callable[[Context], Any], domain: int = DOMAIN) -> None:
        self.context = Context()
        rclpy.init(args=[], context=self.context, domain_id=domain)
        self.node = make(self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def call(self, action: Callable[[], Any]) -> Any:
        """Run an action in the spinning thread, between callbacks, and return its result."""
        task = self.executor.create_task(action)
        wait_until(task.done, 'the executor to run a task')
        return task.result()

    def close(self) -> None:
        self._stop.set()
        self.executor.create_task(lambda: None)  # ends the waiting
        self._thread.join()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def _spin(self) -> None:
        while not self._stop.is_set():
            self.executor.spin_once(timeout_sec=0.5)


class Inbox(list[Any]):
    """The messages of one topic, in order of arrival."""

    def newest(self) -> Any:
        """Wait for a message, and return the last that came."""
        wait_until(lambda: bool(self), 'a message')
        return self[-1]

    def after(self, count: int) -> Any:
        """Wait for more than `count` messages, and return the last that came."""
        wait_until(lambda: len(self) > count, f'message {count + 1}')
        return self[-1]


class Bench:
    """The node under test (in this process, in a context of its own), a camera and consumers."""

    def __init__(self, model: Path, remap: str = '', /, **parameters: object) -> None:
        # A busy machine must not make frames stale or the watchdog bark where neither is tested.
        calm = {'autostart': False, 'max_age': 0.0, 'watchdog': 0.0}
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
        reliable = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
        self.cameras = {
            'raw': self.tester.create_publisher(Image, 'image', reliable),
            'compressed': self.tester.create_publisher(
                CompressedImage, 'image/compressed', reliable
            ),
            'camera_info': self.tester.create_publisher(CameraInfo, 'camera_info', reliable),
        }
        self.statuses: Inbox = self._listen(DiagnosticArray, '/diagnostics')
        self._sent = itertools.count(1)

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
        publishers = [self.cameras[name] for name in (transport, 'camera_info')]
        topics = {publisher.topic_name for publisher in publishers}

        def connected() -> bool:
            subscriptions = [s for s in self.node.subscriptions if s.topic_name in topics]
            return (
                len(subscriptions) == len(topics)
                and all(s.get_publisher_count() == 1 for s in subscriptions)
                and all(publisher.get_subscription_count() == 1 for publisher in publishers)
            )

        wait_until(connected, f'{topics} to connect')

    def set(self, **parameters: object) -> list[str]:
        """Set parameters and return the reasons for which they were refused."""
        values = [Parameter(k, value=v) for k, v in parameters.items()]
        results = self._tested.call(lambda: self.node.set_parameters(values))
        return [result.reason for result in results if not result.successful]

    # What comes out.

    def listen(self, *outputs: str) -> list[Inbox]:
        """Subscribe to outputs, as consumers do, and wait until the node knows of it."""
        inboxes = [
            self._listen(_TYPES.get(output, Image), f'segmentation/{output}') for output in outputs
        ]
        for output in outputs:
            self.await_listeners(output, 1)
        return inboxes

    def await_listeners(self, output: str, count: int) -> None:
        publisher = self.node._outputs._publishers[output]  # type: ignore[union-attr]
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
        wait_until(lambda: bool(found()), f'a status of level {level!r} with {text!r}')
        return found()[-1]

    def await_complaint(self, text: str) -> None:
        """Wait until the last message about a frame has that text."""
        complaints = self.node._complaints
        wait_until(lambda: text in complaints.last, f'a message with {text!r}')

    def await_totals(self, **expected: int) -> None:
        """Wait until the node has counted that; names as in the report."""
        wait_until(lambda: counts(self.node.totals) == {**_NONE, **expected}, f'{expected}')

    # What goes in.

    def stamp(self, age: float = 0.0) -> Any:
        """Return the time `age` seconds ago, different for each call."""
        moment = self.node.get_clock().now().nanoseconds - int(age * 1e9) + next(self._sent)
        return rclpy.time.Time(nanoseconds=moment).to_msg()

    def send(self, image: npt.NDArray[np.uint8], encoding: str = 'rgb8', **fields: Any) -> Image:
        """Publish an image, uint8 [H, W] or [H, W, C]; `fields` replace those of the message."""
        message = raw_message(image, encoding)
        message.header.stamp = self.stamp()
        message.header.frame_id = 'camera_optical_frame'
        for name, value in fields.items():
            setattr(message, name, value)
        self.cameras['raw'].publish(message)
        return message

    def await_time(self, second: int) -> None:
        """Wait until the node's clock shows that second."""
        clock = self.node.get_clock()
        wait_until(lambda: clock.now().nanoseconds == second * 10**9, f'second {second}')

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Wait until the node has received an image that is sent in the `with` block."""
        camera = self.node._serving.camera  # type: ignore[union-attr]
        before = camera.last_arrival
        yield
        wait_until(lambda: camera.last_arrival != before, 'an image to arrive')

    def send_info(self, info: CameraInfo) -> None:
        """Publish a camera info and wait until the node has it."""
        camera = self.node._serving.camera  # type: ignore[union-attr]
        before = camera.info
        self.cameras['camera_info'].publish(info)
        wait_until(lambda: camera.info is not before, 'the camera info to arrive')

    def send_compressed(self, data: bytes) -> CompressedImage:
        message = CompressedImage(format='jpeg', data=array('B', data))
        message.header.stamp = self.stamp()
        message.header.frame_id = 'camera_optical_frame'
        self.cameras['compressed'].publish(message)
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


def find_service(node: Node, kind: type, name: str) -> Any:
    """Return a client whose service was found.

    On a busy machine Fast DDS now and then never tells two endpoints of each other; a new client
    is announced anew.
    """
    for _ in range(3):
        client = node.create_client(kind, name)
        if client.wait_for_service(PATIENCE_S / 3):
            return client
        node.destroy_client(client)
    raise AssertionError(f'expected the service {name}, found none')


def wait_until(predicate: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> None:
    """Wait until something is true; fail when it takes too long."""
    deadline = time.monotonic() + patience
    while not predicate():
        assert time.monotonic() < deadline, f'waited in vain for {what}'
        time.sleep(0.002)
