"""What the node keeps of a camera: its ego mask, its outputs, its counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from rclpy.node import Node

from seg_perception.core.encodings import ImageError, from_bgr
from seg_perception.core.labels import load_label_set
from seg_perception.core.products import DRIVABLE, LABEL
from seg_perception.ros.camera import Camera, SettingsError
from seg_perception.ros.frame_age import StaleFrameError
from seg_perception.ros.frame_counts import Drop
from seg_perception.ros.settings import Settings, read_defaults
from seg_perception.ros.vehicle_frames import VehicleFrames
from test.graph.spinner import Spinner
from test.tiny_model import tiny_contract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = load_label_set()
CONTRACT = tiny_contract()
IMAGE = from_bgr(np.zeros((64, 128, 3), np.uint8))
ROAD = np.zeros((64, 128), np.uint8)
SURE = np.full((64, 128), 255, np.uint8)


@pytest.fixture(scope='module')
def node() -> Iterator[Node]:
    spinner = Spinner(lambda context: Node('tester', context=context))
    yield spinner.node
    spinner.close()


def camera_of(node: Node, name: str, settings: Settings) -> Camera:
    frames = VehicleFrames(node, settings.base_frame, settings.ground_z, listen=False)
    return Camera(node, name, settings, LABELS, frames)


def settings(**values: object) -> Settings:
    return Settings(**{**read_defaults(), **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(('dtype', 'painted'), [(np.uint8, 255), (np.uint8, 1), (np.uint16, 1)])
def test_any_grey_that_is_not_black_is_the_ego_vehicle(
    node: Node, tmp_path: Path, dtype: type[np.uint8 | np.uint16], painted: int
) -> None:
    ego = np.zeros((64, 128), dtype)
    ego[40:] = painted
    cv2.imwrite(str(tmp_path / 'ego.png'), ego)
    camera = camera_of(node, 'ego', settings(ego_mask=str(tmp_path / 'ego.png')))
    placement = camera.view(CONTRACT).placement(IMAGE.size)
    made = camera.products(camera.settings).make(ROAD, SURE, placement, {DRIVABLE})
    np.testing.assert_array_equal(made[DRIVABLE], np.where(ego == 0, 255, 0))
    camera.close()


def test_an_ego_mask_that_cannot_be_read_leaves_no_topics(node: Node) -> None:
    before = list(node.publishers)
    with pytest.raises(SettingsError, match='is not an image that can be read'):
        camera_of(node, 'front', settings(ego_mask='nowhere.png'))
    assert list(node.publishers) == before


def test_outputs_are_below_its_name(node: Node) -> None:
    camera = camera_of(node, 'front', settings())
    topics = {publisher.topic_name for publisher in node.publishers}
    assert {'/tester/front/label', '/tester/front/report'} <= topics
    camera.close()
    assert topics - {publisher.topic_name for publisher in node.publishers} >= {
        '/tester/front/label',
        '/tester/front/overlay/compressed',
    }


def test_thresholds_may_change(node: Node) -> None:
    camera = camera_of(node, 'thresholds', settings())
    placement = camera.view(CONTRACT).placement(IMAGE.size)
    doubt = np.full_like(ROAD, 100)
    first = camera.products(camera.settings)
    assert camera.products(replace(camera.settings, max_age=9.0)) is first
    assert not first.make(ROAD, doubt, placement, {LABEL})[LABEL].any()
    doubtful = camera.products(replace(camera.settings, label_min_confidence=0.5))
    assert (doubtful.make(ROAD, doubt, placement, {LABEL})[LABEL] == 255).all()
    camera.close()


def test_a_network_of_another_size_gets_another_view(node: Node) -> None:
    camera = camera_of(node, 'view', settings(geometry='crop', region=[8, 4, 64, 32]))
    view = camera.view(CONTRACT)
    assert camera.view(CONTRACT) is view
    assert view.placement(IMAGE.size).seen == (8, 4, 64, 32)
    square = camera.view(tiny_contract(width=64, height=64))
    assert square.placement(IMAGE.size).seen == (24, 4, 32, 32)
    camera.close()


@pytest.mark.parametrize(
    ('error', 'reason', 'sentence'),
    [
        (StaleFrameError('too old'), Drop.STALE, 'rear: frame dropped: too old'),
        (ImageError('no picture'), Drop.BAD, 'rear: frame dropped: no picture'),
        (
            KeyError('x'),
            Drop.BAD,
            "rear: frame dropped: unexpected KeyError('x'); please report this",
        ),
    ],
)
def test_a_dropped_frame_is_counted_and_explained(
    node: Node, error: Exception, reason: Drop, sentence: str
) -> None:
    camera = camera_of(node, 'rear', settings())
    camera.drop(error)
    assert camera.counts.totals.dropped[reason] == 1
    assert camera.complaints.last == sentence
    camera.close()
