from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import UNLABELLED, Label, LabelError, LabelSet, load_label_set
from seg_perception.core.masks import Masks
from seg_perception.core.segmenter import Segmentation

LABELS = load_label_set()
ROAD, SIDEWALK, SKY, CAR = (LABELS.train_id(name) for name in ('road', 'sidewalk', 'sky', 'car'))


def segmentation(
    label: list[list[int]], confidence: list[list[int]] | int | None = 255
) -> Segmentation:
    labels = np.array(label, np.uint8)
    values = None
    if confidence is not None:
        values = np.array(np.broadcast_to(confidence, labels.shape), np.uint8)
    return Segmentation(label=labels, confidence=values, stage_ms={})


def masks(drivable: float = 0.5, label: float = 0.0, ego: npt.NDArray[Any] | None = None) -> Masks:
    return Masks(LABELS, drivable_min_confidence=drivable, label_min_confidence=label, ego_mask=ego)


def test_groups() -> None:
    seen = segmentation([[ROAD, SIDEWALK, SKY, CAR, UNLABELLED, 200]])
    assert masks().label(seen).tolist() == [[ROAD, SIDEWALK, SKY, CAR, UNLABELLED, 200]]
    assert masks().drivable(seen).tolist() == [[255, 0, 0, 0, 0, 0]]
    assert masks().obstacle(seen).tolist() == [[0, 0, 0, 255, 0, 0]]
    assert masks().drivable(seen).dtype == masks().obstacle(seen).dtype == np.uint8


def test_every_value_of_a_pixel() -> None:
    seen = segmentation([list(range(256))])
    drivable, obstacle = masks(0).drivable(seen)[0], masks(0).obstacle(seen)[0]
    for value in range(256):
        assert drivable[value] == (255 if value in LABELS.groups['drivable'] else 0)
        assert obstacle[value] == (255 if value in LABELS.groups['obstacle'] else 0)


@pytest.mark.parametrize(
    ('threshold', 'lowest'), [(0.0, 0), (0.001, 1), (0.2, 51), (0.5, 128), (0.999, 255), (1.0, 255)]
)
def test_thresholds_are_the_lowest_confidence_believed(threshold: float, lowest: int) -> None:
    for confidence in {max(lowest - 1, 0), lowest, 255}:
        seen = segmentation([[ROAD, CAR]], confidence)
        believed = confidence >= lowest
        assert masks(threshold).drivable(seen)[0, 0] == (255 if believed else 0)
        expected = [ROAD, CAR] if believed else [UNLABELLED, UNLABELLED]
        assert masks(0, threshold).label(seen).tolist() == [expected]


def test_a_pixel_whose_label_is_not_believed_is_not_drivable() -> None:
    seen = segmentation([[ROAD, ROAD]], [[150, 250]])
    assert masks(0.1, 0.9).drivable(seen).tolist() == [[0, 255]]


def test_an_obstacle_of_low_confidence_is_an_obstacle() -> None:
    seen = segmentation([[CAR, ROAD]], 0)
    assert masks(1, 1).obstacle(seen).tolist() == [[255, 0]]
    assert masks(1, 1).obstacle(segmentation([[CAR, ROAD]], None)).tolist() == [[255, 0]]


def test_the_ego_vehicle_is_nothing() -> None:
    ego = np.array([[0, 1, 0, 255]], np.uint8)
    seen = segmentation([[ROAD, ROAD, CAR, CAR]])
    for mask in (ego, ego.astype(bool)):
        made = masks(0.5, 0.5, mask)
        assert made.label(seen).tolist() == [[ROAD, UNLABELLED, CAR, UNLABELLED]]
        assert made.drivable(seen).tolist() == [[255, 0, 0, 0]]
        assert made.obstacle(seen).tolist() == [[0, 0, 255, 0]]


def test_the_ego_mask_fits_images_of_any_size() -> None:
    ego = np.zeros((4, 4), np.uint8)
    ego[2:, 1:] = 1
    made = masks(ego=ego)
    for factor in (1, 2, 3, 1):
        size = 4 * factor
        road = segmentation([[ROAD] * size] * size)
        expected = np.kron(ego, np.ones((factor, factor), np.uint8)) == 0
        np.testing.assert_array_equal(made.drivable(road) == 255, expected)
    half = segmentation([[ROAD] * 2] * 2)
    assert made.drivable(half).tolist() == [[255, 255], [0, 0]]


def test_masks_leave_the_segmentation_as_it_is() -> None:
    seen = segmentation([[ROAD, CAR]], 10)
    made = masks(0.5, 0.5, np.ones((1, 2), np.uint8))
    for make in (made.label, made.drivable, made.obstacle):
        make(seen)
    assert seen.label.tolist() == [[ROAD, CAR]]
    assert seen.confidence is not None
    assert seen.confidence.tolist() == [[10, 10]]


def test_confidence_is_asked_for_where_it_is_needed() -> None:
    seen = segmentation([[ROAD]], None)
    assert masks().label(seen).tolist() == [[ROAD]]
    with pytest.raises(ValueError, match='expected one with confidence; segment with want_conf'):
        masks(0).drivable(seen)
    with pytest.raises(ValueError, match='expected one with confidence'):
        masks(0, 0.5).label(seen)


@pytest.mark.parametrize('group', ['drivable', 'obstacle'])
def test_only_the_mask_of_a_group_that_is_there_can_be_made(group: str) -> None:
    (other,) = {'drivable', 'obstacle'} - {group}
    two = (Label('a', 0, (0, 0, 0)), Label('b', 1, (1, 1, 1)))
    labels = LabelSet('two', two, {other: frozenset({1})})
    made = Masks(labels, drivable_min_confidence=0.5, label_min_confidence=0)
    seen = segmentation([[0, 1]])
    with pytest.raises(LabelError, match=f"label set two has no group '{group}'; it has {other};"):
        getattr(made, group)(seen)
    assert getattr(made, other)(seen).tolist() == [[0, 255]]
    assert made.label(seen).tolist() == [[0, 1]]


def test_a_class_that_is_drivable_and_an_obstacle_is_refused() -> None:
    both = {'drivable': frozenset({0, 1}), 'obstacle': frozenset({1})}
    labels = LabelSet('two', (Label('road', 0, (0, 0, 0)), Label('car', 1, (1, 1, 1))), both)
    with pytest.raises(LabelError, match='label set two has car in drivable and in obstacle'):
        Masks(labels, drivable_min_confidence=0.5, label_min_confidence=0)


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan')])
def test_thresholds_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=f'drivable_min_confidence: expected 0 to 1, got {value}'):
        masks(value)
    with pytest.raises(ValueError, match='label_min_confidence: expected 0 to 1'):
        masks(0.5, value)


@pytest.mark.parametrize(
    'ego', [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)]
)
def test_an_ego_mask_of_another_kind_is_refused(ego: npt.NDArray[Any]) -> None:
    with pytest.raises(ValueError, match='ego mask: expected a grey 8-bit image'):
        masks(ego=ego)
