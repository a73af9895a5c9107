"""The drivable grid of all cameras, as numbers and as a picture from above."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nav_msgs.msg import OccupancyGrid
from rclpy.time import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from seg_perception.core.ground.grid import DrivableGrid
from seg_perception.core.ground.pictures import birds_eye
from seg_perception.ros.ground_messages import grid_message
from seg_perception.ros.ground_outputs import BIRD_EYE, DRIVABLE_GRID
from seg_perception.ros.image_messages import image_message
from seg_perception.ros.publishers import Publishers

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time as Stamp
    from rclpy.node import Node

    from seg_perception.core.ground.free_space import FreeSpace
    from seg_perception.core.ground.view import GroundOutputs
    from seg_perception.ros.settings import Settings
    from seg_perception.ros.vehicle_frames import VehicleFrames

_TYPES = {DRIVABLE_GRID: OccupancyGrid, BIRD_EYE: Image}


class GridPublisher:
    """Publishes the grid after each batch of frames, and when none comes any more.

    Time goes on from the newest stamp by the node's clock, so that cameras with a clock of their
    own do not look stale. `add` and `publish` may be called in another thread than `look`.

    :raises RuntimeError: when the topics cannot be offered.
    """

    def __init__(self, node: Node, settings: Settings, frames: VehicleFrames) -> None:
        self._node = node
        self._frames = frames
        self._timeout_ns = round(settings.grid_timeout * 1e9)
        self._grid = DrivableGrid(
            settings.grid, timeout=settings.grid_timeout, hold=settings.grid_hold
        )
        self._views: dict[str, tuple[int, FreeSpace]] = {}
        self._lock = threading.Lock()
        self._newest = self._arrived = self._published = self._now()
        self.publishers = Publishers(node, '', _TYPES)

    def add(self, camera: str, outputs: GroundOutputs, stamp: Stamp) -> None:
        """Take what a camera's frame of that stamp says."""
        at = stamp.sec * 10**9 + stamp.nanosec
        with self._lock:
            self._grid.update(camera, outputs.cells, at * 1e-9)
            self._views[camera] = at, outputs.free_space
            newest = max(at for at, _ in self._views.values())
            # Where time began anew, the stamps of before lie in the future.
            self._newest = at if newest - at > self._timeout_ns else newest
            self._arrived = self._now()

    def publish(self) -> None:
        """Publish the grid at the time of the newest frame."""
        self._publish(self._newest)

    def look(self) -> None:
        """Publish the grid if that has not been done for its timeout."""
        now = self._now()
        if not 0 <= now - self._published < self._timeout_ns:
            self._publish(self._newest + max(now - self._arrived, 0))

    def _publish(self, moment: int) -> None:
        wanted = self.publishers.wanted()
        if not wanted:
            return
        with self._lock:
            self._published = self._now()
            cells = self._grid.cells(moment * 1e-9)
            views = tuple(
                free for at, free in self._views.values() if abs(moment - at) <= self._timeout_ns
            )
        stamp = Time(nanoseconds=moment).to_msg()
        header = Header(stamp=stamp, frame_id=self._frames.base_frame)
        spec = self._grid.spec
        if DRIVABLE_GRID in wanted:
            message = grid_message(header, spec, cells, self._frames.ground_z)
            self.publishers.publish(DRIVABLE_GRID, message)
        if BIRD_EYE in wanted:
            picture = birds_eye(spec, cells, views)
            self.publishers.publish(BIRD_EYE, image_message(header, picture))

    def _now(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
