"""What a camera publishes of the ground: names and types, and a frame's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sensor_msgs.msg import Image, LaserScan, PointCloud2
from std_msgs.msg import Header

from seg_perception.msg import FreeSpace, ObstacleArray
from seg_perception.ros.ground_messages import (
    detections_message,
    free_space_message,
    free_space_points,
    free_space_scan,
    obstacles_message,
)
from seg_perception.ros.image_messages import image_message
from seg_perception.ros.label_info import vision_messages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from seg_perception.core.encodings import RawImage
    from seg_perception.ros.camera import Camera
    from seg_perception.ros.camera_ground import Sight

FREE_SPACE = 'free_space'
SCAN = 'free_space/scan'
POINTS = 'free_space/points'
FREE_SPACE_OVERLAY = 'free_space/overlay'
OBSTACLES = 'obstacles'
DETECTIONS = 'obstacles/detections'
DRIVABLE_GRID = 'drivable_grid'
BIRD_EYE = 'bird_eye'

OF_ALL_CAMERAS = frozenset((DRIVABLE_GRID, BIRD_EYE))
"""These are below the node's name, the others below that of their camera."""


def ground_types() -> dict[str, type[Any]]:
    """Return the type of each topic of a camera."""
    types: dict[str, type[Any]] = {
        FREE_SPACE: FreeSpace,
        SCAN: LaserScan,
        POINTS: PointCloud2,
        FREE_SPACE_OVERLAY: Image,
        OBSTACLES: ObstacleArray,
    }
    if (messages := vision_messages()) is not None:
        types[DETECTIONS] = messages.Detection2DArray
    return types


GROUND_TYPES = ground_types()
GROUND_OUTPUTS = frozenset(GROUND_TYPES) | OF_ALL_CAMERAS


def ground_messages(
    sight: Sight, camera: Camera, header: Header, image: RawImage, wanted: Collection[str]
) -> Iterator[tuple[str, object]]:
    """Yield the messages of a frame that are wanted, by the names of their topics.

    :param header: of the camera's image.
    """
    out, view, grid = sight.outputs, sight.view, sight.grid
    ground, free = camera.ground, out.free_space
    placed = Header(stamp=header.stamp, frame_id=ground.frames.base_frame)
    if FREE_SPACE in wanted:
        ends = grid.published(view.fan.camera.pixels(free.points))
        ends[free.range == 0] = np.nan
        yield FREE_SPACE, free_space_message(placed, camera.name, free, out.health, ends)
    if SCAN in wanted:
        below = Header(stamp=header.stamp, frame_id=sight.scan_frame)
        yield SCAN, free_space_scan(below, free, float(view.fan.edge[-1]))
    if POINTS in wanted:
        yield POINTS, free_space_points(placed, free, ground.frames.ground_z)
    if OBSTACLES in wanted or DETECTIONS in wanted:
        obstacles = obstacles_message(
            placed,
            camera.name,
            out.obstacles,
            out.health,
            grid=grid,
            names=camera.labels.names,
        )
        if OBSTACLES in wanted:
            yield OBSTACLES, obstacles
        if DETECTIONS in wanted:
            yield DETECTIONS, detections_message(header, obstacles)
    if FREE_SPACE_OVERLAY in wanted:
        picture = np.empty((*grid.published_size[::-1], 3), np.uint8)
        image.bgr(grid.published_size, picture, region=grid.seen)
        painted = ground.overlay(view).paint(picture, free, out.obstacles)
        yield FREE_SPACE_OVERLAY, image_message(header, painted)
