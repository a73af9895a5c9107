"""What a camera sees of the ground, as messages."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Point, Pose
from nav_msgs.msg import MapMetaData, OccupancyGrid
from sensor_msgs.msg import LaserScan, PointCloud2, PointField
from std_msgs.msg import Header

from seg_perception.msg import FreeSpace as FreeSpaceMessage
from seg_perception.msg import Obstacle, ObstacleArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builtin_interfaces.msg import Time

    from seg_perception.core.ground.free_space import FreeSpace
    from seg_perception.core.ground.grid import Cells, GridSpec
    from seg_perception.core.ground.health import Health
    from seg_perception.core.ground.regions import ObstacleRegion
    from seg_perception.core.label_grid import LabelGrid

POINT = np.dtype(
    [
        ('x', '<f4'),
        ('y', '<f4'),
        ('z', '<f4'),
        ('confidence', '<f4'),
        ('label', 'u1'),
        ('end', 'u1'),
    ]
)
"""A point of `free_space_points`, as it lies in PointCloud2's data."""

_FIELD_TYPES = {'<f4': PointField.FLOAT32, '|u1': PointField.UINT8}


def free_space_message(
    header: Header,
    camera: str,
    free: FreeSpace,
    health: Health,
    pixels: npt.NDArray[np.floating],
) -> FreeSpaceMessage:
    """Return the free space of a frame.

    :param header: the image's stamp, the vehicle's frame.
    :param pixels: [B, 2], where it ends in the published images; NaN where it has no end.
    """
    x, y = free.origin
    return FreeSpaceMessage(
        header=header,
        camera=camera,
        usable=health.usable,
        reasons=list(health.reasons),
        origin_x=x,
        origin_y=y,
        angle_min=float(free.bearing[0]),
        angle_increment=_step(free),
        near=_floats(free.near),
        range=_floats(free.range),
        range_error=_floats(free.range_error),
        end=array('B', free.end.tobytes()),
        label=array('B', free.label.tobytes()),
        trust=_floats(free.trust),
        column=_floats(pixels[:, 0]),
        row=_floats(pixels[:, 1]),
    )


def free_space_scan(header: Header, free: FreeSpace, max_range: float) -> LaserScan:
    """Return the free space as a scan from the ground below the camera, by REP-117.

    A range is NaN where nothing is known, infinite where nothing ends the free space, minus
    infinite where something stands nearer than the first ground in view.

    :param header: its frame is the ground below the camera, with axes along the vehicle's.
    :param max_range: metres, beyond which nothing is believed.
    """
    near = free.near[np.isfinite(free.near)]
    step = _step(free)
    return LaserScan(
        header=header,
        angle_min=float(free.bearing[0]),
        angle_max=float(free.bearing[-1]),
        angle_increment=step,
        range_min=float(near.min(initial=max_range)),
        range_max=max_range,
        ranges=_floats(free.scan()),
    )


def free_space_points(header: Header, free: FreeSpace, ground: float) -> PointCloud2:
    """Return where something known ends the free space, as points of the vehicle's frame.

    :param ground: z of the ground in that frame, metres.
    """
    shown = (free.range > 0) & ((free.end == 1) | (free.end == 2))
    points = np.zeros(int(shown.sum()), POINT)
    points['x'], points['y'] = free.points[shown].T
    points['z'] = ground
    points['confidence'] = free.trust[shown]
    points['label'], points['end'] = free.label[shown], free.end[shown]
    fields = [
        PointField(name=name, offset=offset, datatype=_FIELD_TYPES[kind.str], count=1)
        for name, (kind, offset, *_) in (POINT.fields or {}).items()
    ]
    return PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=fields,
        is_bigendian=False,
        point_step=POINT.itemsize,
        row_step=points.nbytes,
        data=array('B', points.tobytes()),
        is_dense=True,
    )


def obstacles_message(
    header: Header,
    camera: str,
    regions: Sequence[ObstacleRegion],
    health: Health,
    *,
    grid: LabelGrid,
    names: Sequence[str],
) -> ObstacleArray:
    """Return the obstacles of a frame, boxes in pixels of the published images."""
    boxes = np.array([region.box for region in regions], float).reshape(-1, 2, 2)
    feet = np.array([region.foot for region in regions], float).reshape(-1, 2)
    corners = grid.published_edges(boxes.cumsum(axis=1)).reshape(-1, 4).tolist()
    places = zip(corners, grid.published(feet).tolist(), strict=True)
    return ObstacleArray(
        header=header,
        camera=camera,
        usable=health.usable,
        reasons=list(health.reasons),
        obstacles=[
            _obstacle(region, box, foot, names[region.label])
            for region, (box, foot) in zip(regions, places, strict=True)
        ],
    )


def detections_message(header: Header, obstacles: ObstacleArray) -> Any:
    """Return obstacles as vision_msgs/Detection2DArray.

    :param header: of the camera image.
    :raises ImportError: where vision_msgs is not installed.
    """
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

    result = Detection2DArray(header=header)
    for obstacle in obstacles.obstacles:
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = obstacle.class_name
        hypothesis.hypothesis.score = obstacle.confidence
        detection = Detection2D(header=header, results=[hypothesis])
        # Edges of pixels become the centre in coordinates of their centres.
        detection.bbox.center.position.x = obstacle.box_x + obstacle.box_width / 2 - 0.5
        detection.bbox.center.position.y = obstacle.box_y + obstacle.box_height / 2 - 0.5
        detection.bbox.size_x = obstacle.box_width
        detection.bbox.size_y = obstacle.box_height
        result.detections.append(detection)
    return result


def grid_message(header: Header, spec: GridSpec, cells: Cells, ground: float) -> OccupancyGrid:
    """Return a grid of the vehicle's frame.

    :param ground: z of the ground in that frame, metres.
    """
    rows, columns = spec.shape
    origin = Pose(position=Point(x=spec.x_min, y=spec.y_min, z=ground))
    stamp: Time = header.stamp
    info = MapMetaData(
        map_load_time=stamp,
        resolution=spec.resolution,
        width=columns,
        height=rows,
        origin=origin,
    )
    return OccupancyGrid(header=header, info=info, data=array('b', cells.tobytes()))


def _obstacle(
    region: ObstacleRegion, box: Sequence[float], foot: Sequence[float], name: str
) -> Obstacle:
    """Return an obstacle.

    :param box: left, top, right and bottom edge in the published images.
    :param foot: its column and row there.
    """
    left, top, right, bottom = box
    x, y = region.position
    return Obstacle(
        label=region.label,
        class_name=name,
        confidence=region.confidence,
        box_x=left,
        box_y=top,
        box_width=right - left,
        box_height=bottom - top,
        foot_column=foot[0],
        foot_row=foot[1],
        foot_seen=region.foot_seen,
        x=x,
        y=y,
        range=region.range,
        range_error=region.range_error,
        width=region.width,
    )


def _step(free: FreeSpace) -> float:
    return float(free.bearing[-1] - free.bearing[0]) / (len(free.bearing) - 1)


def _floats(values: npt.NDArray[Any]) -> array[float]:
    return array('f', np.asarray(values, np.float32).tobytes())
