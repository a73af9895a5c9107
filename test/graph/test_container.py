"""Several nodes in one process, as `container` runs them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from rclpy.node import Node
from sensor_msgs.msg import Image

from seg_perception.core.labels import load_label_set
from seg_perception.demo.processes import Children
from test.graph.bench import pixels
from test.graph.spinner import DOMAIN, RELIABLE, Inbox, Spinner, wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator

ROAD, SKY = 0, 10


@pytest.fixture
def tester() -> Iterator[Spinner]:
    spinner = Spinner(lambda context: Node('tester', context=context))
    yield spinner
    spinner.close()


def solid(folder: Path, train_id: int) -> Path:
    """Write a folder with one picture, all of one class's colour."""
    folder.mkdir()
    color = load_label_set().labels[train_id].color
    cv2.imwrite(str(folder / '0.png'), np.full((64, 128, 3), color[::-1], np.uint8))
    return folder


def test_cameras_and_nodes_serve_side_by_side_and_end_together(
    tmp_path: Path, tester: Spinner
) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    command = [sys.executable, '-m', 'seg_perception', 'container']
    for side, train_id in (('front', ROAD), ('rear', SKY)):
        namespace = ['-r', f'__ns:=/{side}']
        source = solid(tmp_path / side, train_id)
        command += ['scene_camera', *namespace, '-p', f'source:={source}']
        command += ['segmentation_node', *namespace, '-r', 'image:=image_raw']
        command += ['-p', f'model:={model}', '-p', 'max_age:=0.0']
    # Neither a node that cannot start nor one that cannot load its model disturbs the others.
    command += ['scene_camera', '-p', 'rate:=-1.0']
    command += ['segmentation_node', '-r', '__ns:=/lost', '-p', f'model:={tmp_path}/none.onnx']
    labels = {side: Inbox() for side in ('front', 'rear')}
    for side, inbox in labels.items():
        tester.node.create_subscription(Image, f'{side}/segmentation/label', inbox.append, RELIABLE)
    with Children(tmp_path, {**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)}) as children:
        child = children.start('container', command)
        wait_until(lambda: all(len(inbox) > 3 for inbox in labels.values()), 'labels of both')
        for side, train_id in (('front', ROAD), ('rear', SKY)):
            assert (pixels(labels[side][-1]) == train_id).all(), side
        child.process.send_signal(signal.SIGINT)
        assert child.process.wait(30) == 1  # one of them failed
    said = child.log.read_text()
    assert 'container: scene_camera --ros-args -p rate:=-1.0: parameter rate must be' in said
    assert said.count('cannot configure: ') == 1
    assert said.count('frames in: ') == 2
    assert said.count('published ') == 2
    assert 'Traceback' not in said


def test_it_ends_when_all_have_ended(tmp_path: Path) -> None:
    source = solid(tmp_path / 'pictures', ROAD)
    camera = ['scene_camera', '-p', f'source:={source}', '-p', 'frames:=2', '-p', 'rate:=20.0']
    command = [sys.executable, '-m', 'seg_perception', 'container']
    with Children(tmp_path, {**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)}) as children:
        child = children.start(
            'container', [*command, *camera, '-r', '__ns:=/a', *camera, '-r', '__ns:=/b']
        )
        assert child.process.wait(30) == 0
    assert child.log.read_text().count('published 2 frames') == 2
