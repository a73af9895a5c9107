"""Frames of the vehicle: where cameras sit by tf2, where that is installed, and below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.time import Time

from seg_perception.core.ground.mount import Mount, MountError
from seg_perception.ros import qos

if TYPE_CHECKING:
    from geometry_msgs.msg import Transform
    from rclpy.node import Node
    from rclpy.publisher import Publisher

    from seg_perception.core.ground.lens import Array

_NO_TF2 = (
    'set mount_height and the other mount parameters to where the camera is, or install tf2_ros '
    'and publish its frame'
)


class VehicleFrames:
    """Looks up the mounts of cameras, and tells the frames of their scans.

    :param base_frame: of the vehicle.
    :param ground_z: z of the ground in it, metres.
    :param listen: whether mounts are to be looked up in tf2.
    """

    def __init__(self, node: Node, base_frame: str, ground_z: float, *, listen: bool) -> None:
        self._node = node
        self.base_frame = base_frame
        self.ground_z = ground_z
        self._buffer: Any = None
        self._listener: Any = None
        if listen:
            self._listen()
        self._message = _tf_message()
        self._publisher: Publisher | None = None
        if self._message is not None:
            self._publisher = node.create_publisher(self._message, '/tf_static', qos.LATCHED)
        self._told: dict[str, TransformStamped] = {}

    def mount(self, frame_id: str) -> Mount:
        """Return where the camera of images with that frame_id is, by tf2.

        :raises MountError: when it is not known.
        """
        if self._buffer is None:
            raise MountError(f'mount_height is 0 and tf2_ros is not installed: {_NO_TF2}')
        from tf2_ros import TransformException

        try:
            found = self._buffer.lookup_transform(self.base_frame, frame_id, Time())
        except TransformException as error:
            raise MountError(
                f'tf2 knows no way from {frame_id!r} to {self.base_frame!r} ({error}): {_NO_TF2}'
            ) from error
        return Mount.from_transform(matrix_of(found.transform), ground=self.ground_z)

    def ground_frame(self, frame_id: str, mount: Mount) -> str:
        """Return the frame of a camera's scan, and tell tf2 of it where tf2_msgs is installed.

        Its origin is on the ground straight below the camera, its axes are the vehicle's.
        """
        name = f'{frame_id.lstrip("/") or "camera"}_ground'
        told = self._told.get(name)
        x, y = mount.foot.tolist()
        if told is None or (told.transform.translation.x, told.transform.translation.y) != (x, y):
            frame = TransformStamped(child_frame_id=name)
            frame.header.frame_id = self.base_frame
            frame.header.stamp = self._node.get_clock().now().to_msg()
            frame.transform.translation.x = x
            frame.transform.translation.y = y
            frame.transform.translation.z = self.ground_z
            self._told[name] = frame
            if self._publisher is not None and self._message is not None:
                self._publisher.publish(self._message(transforms=list(self._told.values())))
        return name

    def close(self) -> None:
        """Leave tf2 alone."""
        if self._listener is not None:
            self._listener.unregister()
            self._listener = self._buffer = None
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None

    def _listen(self) -> None:
        try:
            from tf2_ros import Buffer, TransformListener
        except ImportError:
            return
        self._buffer = Buffer()
        self._listener = TransformListener(self._buffer, self._node)


def _tf_message() -> type[Any] | None:
    """Return the type of /tf_static; None where tf2_msgs is not installed."""
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError:
        return None
    return cast('type[Any]', TFMessage)


def matrix_of(transform: Transform) -> Array:
    """Return a geometry_msgs/Transform as a matrix [4, 4].

    :raises MountError: when its rotation is none.
    """
    q, t = transform.rotation, transform.translation
    norm = np.hypot(np.hypot(q.w, q.x), np.hypot(q.y, q.z))
    if not 0.99 < norm < 1.01:
        raise MountError(f'transform: expected a unit quaternion, got one of length {norm:g}')
    w, x, y, z = np.array([q.w, q.x, q.y, q.z]) / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), t.x],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), t.y],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), t.z],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
