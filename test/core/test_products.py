from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.encodings import from_bgr
from seg_perception.core.labels import UNLABELLED, Label, LabelError, LabelSet, load_label_set
from seg_perception.core.products import (
    COLOR,
    CONFIDENCE,
    DRIVABLE,
    LABEL,
    OBSTACLE,
    OVERLAY,
    PRODUCTS,
    Products,
)
from seg_perception.core.view import Placement, View
from test.tiny_model import tiny_contract

Image = npt.NDArray[np.uint8]

LABELS = load_label_set()
ROAD, SIDEWALK, SKY, CAR = (LABELS.train_id(name) for name in ('road', 'sidewalk', 'sky', 'car'))


def image(values: list[list[Any]]) -> Image:
    return np.array(values, np.uint8)


def placed(label: Image, output: Any = 'network', camera: Any = None, **view: Any) -> Placement:
    """Return the placement of a camera's images in labels of this size."""
    height, width = label.shape
    contract = tiny_contract(width=width, height=height, stride=1)
    return View(contract, output=output, **view).placement(camera or (width, height))


def products(
    drivable: float = 0.5, label: float = 0.0, ego: npt.NDArray[Any] | None = None
) -> Products:
    return Products(
        LABELS, drivable_min_confidence=drivable, label_min_confidence=label, ego_mask=ego
    )


def make(
    made: Products, name: str, label: Image, confidence: Image | int | None = 255, **more: Any
) -> Image:
    """Make one product of a label, published as it is."""
    if isinstance(confidence, int):
        confidence = np.full(label.shape, confidence, np.uint8)
    return made.make(label, confidence, placed(label), {name}, **more)[name]


def test_groups() -> None:
    seen = image([[ROAD, SIDEWALK, SKY, CAR, UNLABELLED, 200]])
    assert make(products(), LABEL, seen).tolist() == seen.tolist()
    assert make(products(), DRIVABLE, seen).tolist() == [[255, 0, 0, 0, 0, 0]]
    assert make(products(), OBSTACLE, seen).tolist() == [[0, 0, 0, 255, 0, 0]]


def test_every_value_of_a_pixel() -> None:
    seen = image([list(range(256))])
    drivable, obstacle = (make(products(0), name, seen)[0] for name in (DRIVABLE, OBSTACLE))
    for value in range(256):
        assert drivable[value] == (255 if value in LABELS.groups['drivable'] else 0)
        assert obstacle[value] == (255 if value in LABELS.groups['obstacle'] else 0)


@pytest.mark.parametrize(
    ('threshold', 'lowest'), [(0.0, 0), (0.001, 1), (0.2, 51), (0.5, 128), (0.999, 255), (1.0, 255)]
)
def test_thresholds_are_the_lowest_confidence_believed(threshold: float, lowest: int) -> None:
    seen = image([[ROAD, CAR]])
    for confidence in {max(lowest - 1, 0), lowest, 255}:
        believed = confidence >= lowest
        drivable = make(products(threshold), DRIVABLE, seen, confidence)
        assert drivable[0, 0] == (255 if believed else 0)
        label = make(products(0, threshold), LABEL, seen, confidence)
        assert label.tolist() == [[ROAD, CAR] if believed else [UNLABELLED, UNLABELLED]]


def test_a_pixel_whose_label_is_not_believed_is_not_drivable() -> None:
    seen, confidence = image([[ROAD, ROAD]]), image([[150, 250]])
    assert make(products(0.1, 0.9), DRIVABLE, seen, confidence).tolist() == [[0, 255]]


def test_an_obstacle_of_low_confidence_is_an_obstacle() -> None:
    seen = image([[CAR, ROAD]])
    for confidence in (0, None):
        assert make(products(1, 1), OBSTACLE, seen, confidence).tolist() == [[255, 0]]


def test_the_ego_vehicle_is_nothing() -> None:
    ego = image([[0, 1, 0, 255]])
    seen = image([[ROAD, ROAD, CAR, CAR]])
    for mask in (ego, ego.astype(bool)):
        made = products(0.5, 0.5, mask)
        assert make(made, LABEL, seen).tolist() == [[ROAD, UNLABELLED, CAR, UNLABELLED]]
        assert make(made, DRIVABLE, seen).tolist() == [[255, 0, 0, 0]]
        assert make(made, OBSTACLE, seen).tolist() == [[0, 0, 255, 0]]
        assert make(made, COLOR, seen)[0, [1, 3]].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_ego_mask_lies_on_the_published_pixels() -> None:
    ego = np.zeros((8, 8), np.uint8)
    ego[5:, 3:] = 1
    made, seen = products(ego=ego), np.full((4, 4), ROAD, np.uint8)
    confidence = np.full((4, 4), 255, np.uint8)
    for size in ((8, 8), (16, 24), (4, 4), (8, 8)):
        placement = placed(seen, size, (8, 8))
        drivable = made.make(seen, confidence, placement, {DRIVABLE})[DRIVABLE]
        columns, rows = ((np.arange(side) * 2 + 1) * 8 // (2 * side) for side in size)
        expected = np.where(ego[np.ix_(rows, columns)], 0, 255)
        np.testing.assert_array_equal(drivable, expected)


def test_an_ego_mask_of_any_size_is_scaled_to_the_camera() -> None:
    ego = image([[0, 0], [0, 1]])
    seen = np.full((6, 6), ROAD, np.uint8)
    expected = np.kron(1 - ego, np.full((3, 3), 255, np.uint8))
    np.testing.assert_array_equal(make(products(ego=ego), DRIVABLE, seen), expected)


def test_what_is_given_stays_as_it_is() -> None:
    seen, confidence = image([[ROAD, CAR]]), image([[10, 10]])
    camera = np.full((1, 2, 3), 9, np.uint8)
    made = products(0.5, 0.5, np.ones((1, 2), np.uint8))
    made.make(seen, confidence, placed(seen), PRODUCTS, image=from_bgr(camera))
    assert seen.tolist() == [[ROAD, CAR]]
    assert confidence.tolist() == [[10, 10]]
    assert (camera == 9).all()


def test_what_the_network_did_not_see_is_unknown() -> None:
    seen, confidence = image([[ROAD, CAR]]), image([[200, 200]])
    placement = placed(seen, 'camera', (4, 3), region=(1, 1, 2, 1))
    camera = np.full((3, 4, 3), 9, np.uint8)
    found = products().make(seen, confidence, placement, PRODUCTS, image=from_bgr(camera))
    outside = np.ones((3, 4), bool)
    outside[1, 1:3] = False
    assert found[LABEL][1].tolist() == [UNLABELLED, ROAD, CAR, UNLABELLED]
    assert found[CONFIDENCE][1].tolist() == [0, 200, 200, 0]
    assert found[DRIVABLE][1].tolist() == [0, 255, 0, 0]
    assert found[OBSTACLE][1].tolist() == [0, 0, 255, 0]
    assert (found[LABEL][outside] == UNLABELLED).all()
    for name in (CONFIDENCE, DRIVABLE, OBSTACLE, COLOR):
        assert not found[name][outside].any()
    assert (found[OVERLAY][outside] == 9).all()
    assert (found[OVERLAY][~outside] != 9).all()


def test_products_are_made_in_the_memory_that_is_given() -> None:
    seen = image([[ROAD, CAR]])
    given: list[Image] = []

    def allocate(shape: tuple[int, ...]) -> Image:
        given.append(np.empty(shape, np.uint8))
        return given[-1]

    camera = from_bgr(np.zeros((2, 4, 3), np.uint8))
    placement = placed(seen, 'camera', (4, 2))
    found = products(ego=np.ones((1, 1), np.uint8)).make(
        seen, seen, placement, PRODUCTS, image=camera, allocate=allocate
    )
    assert list(found) == list(PRODUCTS)
    assert len(given) == len(PRODUCTS)
    assert all(found[name] is memory for name, memory in zip(PRODUCTS, given, strict=True))


def test_the_overlay_mixes_image_and_colors() -> None:
    seen = image([[ROAD, UNLABELLED]])
    camera = image([[[10, 20, 30], [40, 50, 60]]])
    made = Products(LABELS, drivable_min_confidence=0.5, label_min_confidence=0, overlay_alpha=0.25)
    mixed = make(made, OVERLAY, seen, image=from_bgr(camera))
    expected = 0.25 * LABELS.color_table()[ROAD] + 0.75 * camera[0, 0]
    np.testing.assert_allclose(mixed[0, 0], expected, atol=0.5)
    assert mixed[0, 1].tolist() == [40, 50, 60]
    with pytest.raises(ValueError, match='overlay: expected the image under it, got none'):
        make(made, OVERLAY, seen)


def test_confidence_is_asked_for_where_it_is_needed() -> None:
    seen = image([[ROAD]])
    assert make(products(), LABEL, seen, None).tolist() == [[ROAD]]
    for made, name in (
        (products(), CONFIDENCE),
        (products(0), DRIVABLE),
        (products(0, 0.5), LABEL),
    ):
        assert made.needs_confidence({OBSTACLE, name})
        with pytest.raises(ValueError, match='confidence: expected one, got none; infer with want'):
            make(made, name, seen, None)
    assert not products().needs_confidence({LABEL, OBSTACLE, COLOR, OVERLAY})


@pytest.mark.parametrize('output', ['network', 'camera', (7, 5)])
@pytest.mark.parametrize('ego', [None, np.array([[0, 1], [0, 0], [0, 1]], np.uint8)])
def test_counted_pixels_are_those_of_the_published_label(output: Any, ego: Image | None) -> None:
    generator = np.random.default_rng(1)
    seen = generator.integers(0, 4, (4, 6), np.uint8)
    confidence = generator.integers(0, 256, (4, 6), np.uint8)
    made = products(0, 0.3, ego)
    placement = placed(seen, output, (16, 11), region=(2, 1, 13, 9))
    published = made.make(seen, confidence, placement, {LABEL})[LABEL]
    expected = np.bincount(published.ravel(), minlength=256)
    assert expected[UNLABELLED] > 0
    np.testing.assert_array_equal(made.count(seen, confidence, placement), expected)


@pytest.mark.parametrize('group', ['drivable', 'obstacle'])
def test_only_the_mask_of_a_group_that_is_there_can_be_made(group: str) -> None:
    (other,) = {'drivable', 'obstacle'} - {group}
    two = (Label('a', 0, (0, 0, 0)), Label('b', 1, (1, 1, 1)))
    labels = LabelSet('two', two, {other: frozenset({1})})
    made = Products(labels, drivable_min_confidence=0.5, label_min_confidence=0)
    seen = image([[0, 1]])
    reason = f"label set two has no group '{group}'; it has {other};"
    with pytest.raises(LabelError, match=reason):
        make(made, group, seen)
    assert made.unmade[group].startswith(reason)
    assert make(made, other, seen).tolist() == [[0, 255]]
    assert make(made, LABEL, seen).tolist() == [[0, 1]]


def test_a_class_that_is_drivable_and_an_obstacle_is_refused() -> None:
    both = {'drivable': frozenset({0, 1}), 'obstacle': frozenset({1})}
    labels = LabelSet('two', (Label('road', 0, (0, 0, 0)), Label('car', 1, (1, 1, 1))), both)
    with pytest.raises(LabelError, match='label set two has car in drivable and in obstacle'):
        Products(labels, drivable_min_confidence=0.5, label_min_confidence=0)


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan')])
def test_numbers_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=f'drivable_min_confidence: expected 0 to 1, got {value}'):
        products(value)
    with pytest.raises(ValueError, match='label_min_confidence: expected 0 to 1'):
        products(0.5, value)
    with pytest.raises(ValueError, match='overlay_alpha: expected 0 to 1'):
        Products(LABELS, drivable_min_confidence=0, label_min_confidence=0, overlay_alpha=value)


@pytest.mark.parametrize(
    'ego', [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)]
)
def test_an_ego_mask_of_another_kind_is_refused(ego: npt.NDArray[Any]) -> None:
    with pytest.raises(ValueError, match='ego mask: expected a grey 8-bit image'):
        products(ego=ego)
