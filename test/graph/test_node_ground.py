"""The node on a live graph: what it tells of the ground, in metres."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import String

from seg_perception.core.ground.lens import make_lens
from seg_perception.core.ground.mount import GroundCamera, Mount
from seg_perception.core.ground.view import GroundOptions, GroundOutputs, GroundView
from seg_perception.core.labels import UNLABELLED, load_label_set
from seg_perception.ros.ground_messages import POINT
from seg_perception.ros.label_info import vision_messages
from test.graph.bench import Bench, pixels
from test.graph.spinner import Inbox, wait_until
from test.tiny_model import tiny_contract, write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = load_label_set()
CONTRACT = tiny_contract()
SIZE = (CONTRACT.width, CONTRACT.height)
MOUNT = {'mount_height': 1.5, 'mount_x': 1.2, 'mount_y': -0.3, 'mount_pitch': 0.1}
K = [100.0, 0.0, 63.5, 0.0, 100.0, 31.5, 0.0, 0.0, 1.0]
GROUND = {'base_frame': 'base_footprint', 'grid_timeout': 0.3, **MOUNT}


def color(name: str) -> tuple[int, int, int]:
    return LABELS.labels[LABELS.train_id(name)].color


def street(car: bool = True) -> npt.NDArray[np.uint8]:
    """Return a road to the horizon with a sidewalk on the right and a car on it, RGB."""
    image = np.empty((CONTRACT.height, CONTRACT.width, 3), np.uint8)
    image[:24] = color('sky')
    image[24:] = color('road')
    image[24:, 96:] = color('sidewalk')
    if car:
        image[16:40, 48:80] = color('car')
    return image


def info(scale: int = 1) -> CameraInfo:
    result = CameraInfo(width=128 * scale, height=64 * scale, distortion_model='plumb_bob')
    result.k = [K[0] * scale, 0.0, (K[2] + 0.5) * scale - 0.5, 0.0, K[4] * scale]
    result.k = [*result.k, (K[5] + 0.5) * scale - 0.5, 0.0, 0.0, 1.0]
    return result


def geometry(label: npt.NDArray[np.uint8], confidence: npt.NDArray[np.uint8]) -> GroundOutputs:
    """Return what the ground of a frame is, without the node."""
    mount = Mount.from_angles(1.5, x=1.2, y=-0.3, pitch=0.1)
    view = GroundView(GroundCamera(make_lens(K), mount), SIZE, LABELS, GroundOptions())
    return view.update(label, confidence, 1.0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx'), **GROUND) as bench:
        yield bench


def test_free_space_in_three_forms_is_the_geometry_of_the_labels(bench: Bench) -> None:
    bench.activate()
    names = ('label', 'confidence', 'free_space', 'free_space/scan', 'free_space/points')
    inboxes = bench.listen(*names)
    bench.send_info(info())
    sent = bench.send(street())
    label, confidence, free, scan, points = (inbox.newest() for inbox in inboxes)
    truth = geometry(pixels(label), pixels(confidence)).free_space
    assert {1, 2} <= set(truth.end.tolist())

    assert (free.header.stamp, free.header.frame_id) == (sent.header.stamp, 'base_footprint')
    assert (free.usable, free.reasons, free.camera) == (True, [], '')
    assert (free.origin_x, free.origin_y) == pytest.approx((1.2, -0.3))
    bearings = free.angle_min + free.angle_increment * np.arange(len(free.range))
    np.testing.assert_allclose(bearings, truth.bearing, atol=1e-6)
    for name in ('near', 'range', 'range_error', 'end', 'label', 'trust'):
        np.testing.assert_array_equal(getattr(free, name), getattr(truth, name), name)
    middle = int(np.abs(truth.bearing).argmin())
    assert free.label[middle] == LABELS.train_id('car')
    # Straight ahead the road ends where its last row does.
    row = np.flatnonzero(pixels(label)[:, 64] == LABELS.train_id('car'))[-1] + 0.5
    assert free.row[middle] == pytest.approx(row, abs=0.3)
    assert free.column[middle] == pytest.approx(63.5, abs=0.6)
    angle = 0.1 + np.arctan2(row - 31.5, 100)
    assert free.range[middle] == pytest.approx(1.5 / np.tan(angle), rel=0.02)

    assert scan.header.frame_id == 'camera_optical_frame_ground'
    np.testing.assert_allclose(scan.ranges, truth.scan(), rtol=1e-6)
    assert scan.range_min == pytest.approx(np.nanmin(truth.near))
    assert (scan.angle_min, scan.angle_max) == pytest.approx(
        (truth.bearing[0], truth.bearing[-1]), abs=1e-6
    )
    found = np.frombuffer(points.data, POINT)
    known = (truth.range > 0) & np.isin(truth.end, (1, 2))
    np.testing.assert_array_equal(np.stack([found['x'], found['y']], 1), truth.points[known])
    np.testing.assert_array_equal(found['label'], truth.label[known])
    assert [field.name for field in points.fields] == list(POINT.names or ())


def test_obstacles_in_pixels_of_the_published_labels_and_in_metres(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    with Bench(model, output_size='256x128', **GROUND) as bench:
        bench.activate()
        labels, obstacles = bench.listen('label', 'obstacles')
        bench.send_info(info())
        bench.send(street())
        label, message = pixels(labels.newest()), obstacles.newest()
        (car,) = [each for each in message.obstacles if each.class_name == 'car']
        assert car.label == LABELS.train_id('car')
        rows, columns = np.nonzero(label == car.label)
        assert (car.box_x, car.box_width) == (columns.min(), np.ptp(columns) + 1)
        # Where it meets another obstacle one pixel of the network, two here, is left out.
        assert (car.box_y, car.box_y + car.box_height) == (rows.min() + 2, rows.max() + 1)
        assert car.foot_row == pytest.approx(rows.max() + 0.5)
        row = (car.foot_row + 0.5) / 2 - 0.5
        angle = 0.1 + np.arctan2(row - 31.5, 100)
        assert car.range == pytest.approx(1.5 / np.tan(angle), rel=1e-3)
        assert car.x == pytest.approx(1.2 + car.range, rel=1e-2)
        assert 0.5 < car.confidence <= 1


def test_a_dark_camera_knows_nothing_and_says_so(bench: Bench) -> None:
    bench.activate()
    names = ('drivable', 'free_space', 'obstacles', 'drivable_grid', 'report')
    inboxes = bench.listen(*names)
    bench.send_info(info())
    bench.send(street())
    before = [len(inbox) for inbox in inboxes if inbox.newest()]
    drivable, free, obstacles, grid, report = (inbox[-1] for inbox in inboxes)
    assert pixels(drivable).any()
    assert np.any(free.range)
    assert obstacles.obstacles
    assert {-1, 0, 100} == set(grid.data)
    assert report.usable
    sent = bench.send(np.zeros_like(street()))
    wait_until(lambda: inboxes[3][-1].header.stamp == sent.header.stamp, 'the grid of the frame')
    drivable, free, obstacles, grid, report = (
        inbox.after(count) for inbox, count in zip(inboxes, before, strict=True)
    )
    assert not pixels(drivable).any()
    assert not np.any(free.range)
    assert set(free.end) == {free.UNKNOWN}
    assert obstacles.obstacles == []
    assert set(grid.data) == {-1}
    for message in (free, obstacles, report):
        assert not message.usable
        assert message.reasons[0] == 'too dark: mean grey level 0'
    assert bench.status(DiagnosticStatus.ERROR, 'not usable: too dark')


def test_two_cameras_share_a_grid_and_a_dead_one_is_forgotten(tmp_path: Path) -> None:
    names = ['left', 'right']
    yaw = {'left.mount_yaw': 1.0, 'right.mount_yaw': -1.0}
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    with Bench(model, cameras=names, **GROUND, **yaw) as bench:
        bench.activate()
        (grids,) = bench.listen('drivable_grid')
        for name in names:
            bench.send_info(info(), name)

        def halves(stamp: Any) -> tuple[bool, bool]:
            """Return whether anything is known on the left and on the right at a stamp."""
            wait_until(lambda: any(m.header.stamp == stamp for m in grids), 'the grid')
            message = next(m for m in reversed(grids) if m.header.stamp == stamp)
            cells = np.reshape(message.data, (message.info.height, message.info.width))
            assert message.header.frame_id == 'base_footprint'
            assert message.info.resolution == pytest.approx(0.2)
            assert message.info.origin.position.y == -15
            known = cells != -1
            return bool(known[100:].any()), bool(known[:50].any())

        begun = bench.node.get_clock().now().nanoseconds

        def send(camera: str, after: float) -> Any:
            stamp = Time(nanoseconds=begun + int(after * 1e9)).to_msg()
            return bench.send(street(), camera=camera, header=bench.header(stamp)).header.stamp

        assert halves(send('left', 0.0)) == (True, False)
        assert halves(send('right', 0.2)) == (True, True)
        assert halves(send('right', 0.4)) == (False, True)
        # Now both are silent: it is told that nothing is known any more.
        wait_until(lambda: set(grids[-1].data) == {-1}, 'a grid of unknown cells')


def test_it_is_told_why_there_is_nothing_on_the_ground(tmp_path: Path) -> None:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx')) as bench:
        bench.activate()
        labels, _ = bench.listen('label', 'free_space')
        bench.send(street())
        labels.newest()
        bench.status(DiagnosticStatus.ERROR, 'no calibration: publish the camera_info')
        bench.send_info(info())
        bench.send(street())
        bench.status(DiagnosticStatus.ERROR, 'mount_height is 0')


def test_pictures_of_the_ground(bench: Bench) -> None:
    bench.activate()
    overlays, views = bench.listen('free_space/overlay', 'bird_eye')
    bench.send_info(info())
    bench.send(street())
    overlay = pixels(overlays.newest())
    assert overlay.shape == (*SIZE[::-1], 3)
    sky = street()[:16, :, ::-1]
    np.testing.assert_array_equal(overlay[:12], sky[:12])
    assert (overlay[60, 40] != street()[60, 40, ::-1]).any()
    assert pixels(views.newest()).shape == (600, 450, 3)


def test_tables_are_made_when_somebody_listens(bench: Bench) -> None:
    bench.activate()
    labels, reports = bench.listen('label', 'report')
    bench.send_info(info())
    bench.send(street())
    reports.newest()
    assert labels
    ground = bench.node._cameras[0].ground
    assert ground._tables is None
    (free,) = bench.listen('free_space')
    bench.send(street())
    free.newest()
    view = ground._tables
    bench.send(street())
    free.after(1)
    assert ground._tables is view
    assert view is not None


@pytest.mark.skipif(vision_messages() is not None, reason='vision_msgs is installed')
def test_the_classes_are_told_before_the_first_mask_as_json(bench: Bench) -> None:
    assert bench.transition('configure')
    inbox = Inbox()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    bench.tester.create_subscription(String, 'segmentation/label_info', inbox.append, latched)
    told = json.loads(inbox.newest().data)
    assert told['threshold'] == 0
    names = {entry['class_id']: entry['class_name'] for entry in told['class_map']}
    assert names == {**dict(enumerate(LABELS.names)), UNLABELLED: 'unlabelled'}


def test_where_vision_msgs_is_installed_it_carries_classes_and_detections(bench: Bench) -> None:
    messages = pytest.importorskip('vision_msgs.msg')
    bench.activate()
    inbox = Inbox()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    bench.tester.create_subscription(
        messages.LabelInfo, 'segmentation/label_info', inbox.append, latched
    )
    told = {each.class_id: each.class_name for each in inbox.newest().class_map}
    assert told == {**dict(enumerate(LABELS.names)), UNLABELLED: 'unlabelled'}
    (detections,) = bench.listen('obstacles/detections')
    bench.send_info(info())
    sent = bench.send(street())
    found = detections.newest()
    assert found.header == sent.header
    assert 'car' in {each.results[0].hypothesis.class_id for each in found.detections}
