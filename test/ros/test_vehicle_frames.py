"""Where cameras sit by tf2, and the frames of their scans."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from seg_perception.core.ground.mount import Mount, MountError
from seg_perception.ros.vehicle_frames import VehicleFrames, matrix_of
from test.graph.spinner import Inbox, Spinner

if TYPE_CHECKING:
    from collections.abc import Iterator

# A camera that looks along x of its vehicle: the optical frame in base_link (REP-103).
OPTICAL = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)
PLACE = Transform(translation=Vector3(x=1.5, y=0.2, z=1.1), rotation=OPTICAL)


@pytest.fixture(scope='module')
def spinner() -> Iterator[Spinner]:
    spinner = Spinner(lambda context: Node('frames', context=context))
    yield spinner
    spinner.close()


def test_a_transform_as_a_matrix() -> None:
    matrix = matrix_of(PLACE)
    np.testing.assert_allclose(matrix @ [0, 0, 1, 1], [2.5, 0.2, 1.1, 1], atol=1e-12)
    np.testing.assert_allclose(matrix @ [1, 0, 0, 1], [1.5, -0.8, 1.1, 1], atol=1e-12)
    np.testing.assert_allclose(matrix @ [0, 1, 0, 1], [1.5, 0.2, 0.1, 1], atol=1e-12)
    with pytest.raises(MountError, match='unit quaternion, got one of length 0'):
        matrix_of(Transform(rotation=Quaternion(w=0.0)))


def test_without_tf2_it_is_told_what_to_do(
    spinner: Spinner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    frames = VehicleFrames(spinner.node, 'base_link', 0.0, listen=True)
    with pytest.raises(MountError, match='tf2_ros is not installed: set mount_height'):
        frames.mount('camera')
    frames.close()


def test_mounts_are_looked_up_in_tf2(spinner: Spinner, monkeypatch: pytest.MonkeyPatch) -> None:
    class TransformException(Exception):  # noqa: N818  (as in tf2)
        pass

    class Buffer:  # the interface of the real one, which is compiled and not installed everywhere
        def lookup_transform(self, target: str, source: str, _: object) -> TransformStamped:
            if (target, source) != ('base_link', 'camera'):
                raise TransformException('no such frame')
            return TransformStamped(transform=PLACE)

    class TransformListener:
        def __init__(self, buffer: Buffer, node: Any) -> None:
            assert isinstance(buffer, Buffer)
            assert node is spinner.node

        def unregister(self) -> None:
            left.append(True)

    left: list[bool] = []
    module = ModuleType('tf2_ros')
    classes = (Buffer, TransformListener, TransformException)
    vars(module).update({kind.__name__: kind for kind in classes})
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    frames = VehicleFrames(spinner.node, 'base_link', -0.4, listen=True)
    mount = frames.mount('camera')
    # The ground is 0.4 m below base_link.
    np.testing.assert_allclose(mount.position, (1.5, 0.2, 1.5))
    np.testing.assert_allclose(mount.rotation, Mount.from_angles(1.0).rotation, atol=1e-12)
    with pytest.raises(MountError, match=r"no way from 'rear' to 'base_link' \(no such frame\)"):
        frames.mount('rear')
    frames.close()
    assert left


def test_the_frame_of_a_scan_lies_on_the_ground(spinner: Spinner) -> None:
    messages = pytest.importorskip('tf2_msgs.msg')
    frames = VehicleFrames(spinner.node, 'base_link', -0.4, listen=False)
    mount = Mount.from_angles(1.5, x=1.0, y=0.5, pitch=0.2)
    assert frames.ground_frame('camera', mount) == 'camera_ground'
    inbox = Inbox()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    spinner.node.create_subscription(messages.TFMessage, '/tf_static', inbox.append, latched)
    (told,) = inbox.newest().transforms
    assert (told.header.frame_id, told.child_frame_id) == ('base_link', 'camera_ground')
    where = told.transform.translation
    assert (where.x, where.y, where.z) == (1.0, 0.5, -0.4)
    assert told.transform.rotation.w == 1.0
    frames.close()
