"""Free space and obstacles as messages: what their numbers mean to consumers."""

from __future__ import annotations

import numpy as np
import pytest
from std_msgs.msg import Header

from seg_perception.core.ground.free_space import End, FreeSpace
from seg_perception.core.ground.grid import GridSpec
from seg_perception.msg import Obstacle, ObstacleArray
from seg_perception.ros.ground_messages import (
    POINT,
    detections_message,
    free_space_points,
    free_space_scan,
    grid_message,
)

HEADER = Header(frame_id='base_link')
NAN = float('nan')


def free_space() -> FreeSpace:
    """Return a bearing for each way that free space can end, and one that begins blocked."""
    reach = np.array([4.0, 5.0, 6.0, 50.0, 0.0, 0.0], np.float32)
    bearing = np.linspace(-0.5, 0.5, 6).astype(np.float32)
    away = np.stack([np.cos(bearing), np.sin(bearing)], 1)
    return FreeSpace(
        origin=(1.0, 0.5),
        bearing=bearing,
        near=np.array([2.0, 2.0, 2.5, 2.0, 3.0, NAN], np.float32),
        range=reach,
        range_error=(reach / 10).astype(np.float32),
        end=np.array(
            [End.UNKNOWN, End.GROUND, End.OBSTACLE, End.OPEN, End.OBSTACLE, End.UNKNOWN], np.uint8
        ),
        label=np.array([255, 1, 13, 255, 11, 255], np.uint8),
        trust=np.linspace(0.5, 1, 6).astype(np.float32),
        points=((1.0, 0.5) + reach[:, None] * away).astype(np.float32),
    )


def test_a_scan_has_the_meanings_of_rep_117() -> None:
    scan = free_space_scan(HEADER, free_space(), 50.0)
    np.testing.assert_array_equal(scan.ranges, [NAN, 5, 6, np.inf, -np.inf, NAN])
    assert (scan.range_min, scan.range_max) == (2.0, 50.0)
    assert (scan.angle_min, scan.angle_max) == (-0.5, 0.5)
    assert scan.angle_increment == pytest.approx(0.2)


def test_points_are_what_is_known_to_end_the_free_space() -> None:
    cloud = free_space_points(HEADER, free_space(), -0.3)
    points = np.frombuffer(cloud.data, POINT)
    assert (cloud.width, cloud.height, cloud.point_step) == (2, 1, POINT.itemsize)
    assert points['label'].tolist() == [1, 13]
    assert points['end'].tolist() == [End.GROUND, End.OBSTACLE]
    np.testing.assert_allclose(points['x'], [1 + 5 * np.cos(-0.3), 1 + 6 * np.cos(-0.1)], rtol=1e-6)
    np.testing.assert_allclose(points['z'], -0.3, rtol=1e-6)
    offsets = {field.name: field.offset for field in cloud.fields}
    assert offsets == {'x': 0, 'y': 4, 'z': 8, 'confidence': 12, 'label': 16, 'end': 17}


def test_a_grid_lies_row_by_row_to_the_left() -> None:
    spec = GridSpec(-1.0, 2.0, -1.0, 1.0, 1.0)
    cells = np.array([[0, 100, -1], [-1, -1, 0]], np.int8)
    grid = grid_message(HEADER, spec, cells, -0.3)
    assert (grid.info.width, grid.info.height) == (3, 2)
    assert list(grid.data) == [0, 100, -1, -1, -1, 0]
    origin = grid.info.origin
    assert (origin.position.x, origin.position.y, origin.position.z) == (-1.0, -1.0, -0.3)
    assert origin.orientation.w == 1.0


def test_obstacles_as_detections() -> None:
    pytest.importorskip('vision_msgs.msg')
    obstacle = Obstacle(class_name='car', confidence=0.75, box_x=10.0, box_y=20.0)
    obstacle.box_width, obstacle.box_height = 4.0, 6.0
    header = Header(frame_id='camera')
    (detection,) = detections_message(header, ObstacleArray(obstacles=[obstacle])).detections
    # Pixels 10 to 13 have their middle at 11.5.
    centre = detection.bbox.center.position
    assert (centre.x, centre.y) == (11.5, 22.5)
    assert (detection.bbox.size_x, detection.bbox.size_y) == (4.0, 6.0)
    (result,) = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('car', 0.75)
    assert detection.header == header
