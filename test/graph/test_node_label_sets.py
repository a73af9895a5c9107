"""The node with a label set that has no meaning for one of its masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Image

from seg_perception.core.labels import load_label_set
from test.graph.bench import Bench, pixels
from test.graph.spinner import RELIABLE, Inbox, wait_until
from test.tiny_model import tiny_contract, write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = load_label_set('scannet20')
FLOOR, CHAIR = (LABELS.train_id(name) for name in ('floor', 'chair'))
VAIN = (
    '/segmentation/drivable is asked for and cannot be published: label set scannet20 has no group '
    "'drivable'; it has obstacle; "
)


def room() -> np.ndarray:
    """Return an RGB image of a floor with a chair on its right."""
    image = np.full((64, 128, 3), LABELS.labels[FLOOR].color, np.uint8)
    image[:, 64:] = LABELS.labels[CHAIR].color
    return image


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    model = write_tiny_model(tmp_path / 'room.onnx', tiny_contract(labels=LABELS.labels))
    with Bench(model, label_set='scannet20') as bench:
        yield bench


def test_a_mask_without_a_group_is_not_offered_and_asking_for_it_is_an_error(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.activate()
    labels, obstacles = bench.listen('label', 'obstacle')
    offered = {publisher.topic_name for publisher in bench.node.publishers}
    assert '/segmentation/obstacle' in offered
    assert '/segmentation/drivable' not in offered
    bench.status(DiagnosticStatus.OK, 'active')

    roads = Inbox()
    listener = bench.tester.create_subscription(
        Image, 'segmentation/drivable', roads.append, RELIABLE
    )
    assert bench.status(DiagnosticStatus.ERROR).message.startswith(VAIN)
    bench.send(room())
    assert (pixels(labels.newest()) == np.where(np.arange(128) < 64, FLOOR, CHAIR)).all()
    assert (pixels(obstacles.newest()) == np.where(np.arange(128) < 64, 0, 255)).all()
    assert roads == []
    bench.status(DiagnosticStatus.ERROR)
    logged = [line for line in capfd.readouterr().err.splitlines() if VAIN in line]
    assert len(logged) == 1

    bench.tester.destroy_subscription(listener)
    bench.status(DiagnosticStatus.OK, 'active')


def test_a_copy_of_the_set_with_the_group_makes_the_mask(bench: Bench, tmp_path: Path) -> None:
    copy = tmp_path / 'robot.yaml'
    entries = [f'  - {{name: {x.name}, id: {x.id}, color: {list(x.color)}}}' for x in LABELS.labels]
    copy.write_text(
        '\n'.join(['name: robot', 'labels:', *entries, 'groups:', '  drivable: [floor]'])
    )
    assert bench.set(label_set=str(copy)) == []
    bench.activate()
    (roads,) = bench.listen('drivable')
    bench.send(room())
    wait_until(lambda: len(roads) > 0, 'a mask')
    assert (pixels(roads[0]) == np.where(np.arange(128) < 64, 255, 0)).all()
