"""Truth as the simulators' documentation lays it out in images, and the tables behind it."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.encodings import ImageError, RawImage, view_image
from seg_perception.core.labels import UNLABELLED, LabelError, load_grouping, load_label_set
from seg_perception.resources import config_file
from seg_perception.sim.semantic_camera import TRAIN_IDS, TruthReader, load_truth_table

LABELS = load_label_set()
CONSTANTS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name('carla_constants.json').read_text()
)
"""Recorded from CARLA's wheels: the enum as Python has it, the palette from the binary."""

TABLES = {'0.9.13': 'carla_0.9.13', '0.9.14': 'carla', '0.9.15': 'carla', '0.9.16': 'carla'}
VOID = {'None', 'Other', 'Ground', 'Bridge', 'RailTrack', 'GuardRail', 'Static', 'Dynamic', 'Water'}


def recorded(release: str) -> dict[str, Any]:
    (entry,) = (entry for entry in CONSTANTS if release in entry['versions'])
    return entry


def image(pixels: npt.NDArray[np.uint8], encoding: str, padding: int = 0) -> RawImage:
    """Return an image as in a message whose rows are padded by so many bytes."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    data = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return view_image(
        encoding=encoding,
        width=width,
        height=height,
        step=data.shape[1],
        is_bigendian=False,
        data=data.tobytes(),
    )


def palette_image(colors: list[list[int]], numbers: npt.NDArray[np.uint8]) -> RawImage:
    """Return numbers painted in their colours as ros-bridge sends them: bgra8, opaque."""
    rgb = np.array(colors, np.uint8)[numbers]
    alpha = np.full((*numbers.shape, 1), 255, np.uint8)
    return image(np.concatenate([rgb[..., ::-1], alpha], axis=2), 'bgra8')


def raw_image(numbers: npt.NDArray[np.uint8]) -> RawImage:
    """Return numbers as CARLA's server sends them: in the red channel of bgra8."""
    bgra = np.zeros((*numbers.shape, 4), np.uint8)
    bgra[..., 2] = numbers
    bgra[..., 3] = 255
    return image(bgra, 'bgra8')


@pytest.mark.parametrize(('release', 'name'), TABLES.items())
def test_a_table_has_the_numbers_and_colours_of_the_wheel(release: str, name: str) -> None:
    table = load_truth_table(name, LABELS)
    constants = recorded(release)
    tags = {('None' if n == 'NONE' else n): v for n, v in constants['tags'].items() if n != 'Any'}
    assert {entry.name: entry.value for entry in table.values} == tags
    assert [list(entry.color or ()) for entry in table.values] == constants['palette']
    assert {entry.name for entry in table.values if entry.train_id == UNLABELLED} == VOID


def test_the_recorded_constants_are_those_of_the_installed_wheel() -> None:
    carla = pytest.importorskip('carla', reason='needs the wheel of CARLA: pip install carla')
    constants = recorded(version('carla'))
    assert {name: int(tag) for name, tag in carla.CityObjectLabel.names.items()} == constants[
        'tags'
    ]
    (binary,) = Path(carla.__file__).parent.glob('libcarla*.so')
    assert bytes(part for color in constants['palette'] for part in color) in binary.read_bytes()


def test_newer_numbers_are_train_ids_plus_one() -> None:
    by_value = {entry.value: entry for entry in load_truth_table('carla', LABELS).values}
    assert [by_value[n + 1].train_id for n in range(19)] == list(range(19))
    assert LABELS.names[by_value[24].train_id] == 'road'


def test_older_numbers_mean_these_labels() -> None:
    table = load_truth_table('carla_0.9.13', LABELS)
    found = {e.name: LABELS.names[e.train_id] for e in table.values if e.train_id != UNLABELLED}
    assert found == {
        'Buildings': 'building',
        'Fences': 'fence',
        'Pedestrians': 'person',
        'Poles': 'pole',
        'RoadLines': 'road',
        'Roads': 'road',
        'Sidewalks': 'sidewalk',
        'Vegetation': 'vegetation',
        'Vehicles': 'car',
        'Walls': 'wall',
        'TrafficSigns': 'traffic sign',
        'Sky': 'sky',
        'TrafficLight': 'traffic light',
        'Terrain': 'terrain',
    }


def test_the_grouping_of_older_releases_merges_what_they_do_not_tell_apart() -> None:
    grouping = load_grouping('carla_0.9.13', LABELS)
    vehicles = ('car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle')
    assert {int(grouping.table[LABELS.train_id(name)]) for name in vehicles} == {12}
    assert grouping.table[LABELS.train_id('rider')] == grouping.table[LABELS.train_id('person')]
    assert (grouping.table[: len(LABELS.labels)] != UNLABELLED).all()


@pytest.mark.parametrize('name', ['carla', 'carla_0.9.13'])
def test_raw_and_painted_images_give_the_same_labels(name: str) -> None:
    table = load_truth_table(name, LABELS)
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, len(table.values), (37, 53)).astype(np.uint8)
    expected = np.array([entry.train_id for entry in table.values], np.uint8)[numbers]
    colors = [list(entry.color or ()) for entry in table.values]
    for reader, sent in (
        (TruthReader(table), raw_image(numbers)),
        (TruthReader(table, 'color'), palette_image(colors, numbers)),
    ):
        np.testing.assert_array_equal(reader.read(sent), expected)
        assert reader.unknown == 0


def test_unknown_numbers_and_colours_are_unlabelled_and_counted() -> None:
    table = load_truth_table('carla', LABELS)
    numbers = np.array([[1, 29, 255, 254, 0]], np.uint8)
    reader = TruthReader(table)
    assert reader.read(raw_image(numbers)).tolist() == [[0, 255, 255, 255, 255]]
    assert reader.unknown == 3
    painted = image(np.array([[[128, 64, 128], [128, 64, 129], [0, 0, 0]]], np.uint8), 'rgb8')
    colors = TruthReader(table, 'color')
    assert colors.read(painted).tolist() == [[0, 255, 255]]
    colors.read(painted)
    assert colors.unknown == 2


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8'])
def test_labels_of_gazebo_are_read_whatever_the_kind_of_camera(encoding: str) -> None:
    table = load_truth_table('gazebo_example', LABELS)
    numbers = np.array([[0, 1, 6], [5, 2, 9]], np.uint8)
    semantic = np.repeat(numbers[..., np.newaxis], 3, axis=2)
    panoptic = semantic.copy()
    panoptic[..., :2] = 200  # the number of the instance
    expected = [[255, 0, 13], [11, 1, 255]]
    for pixels in (semantic, panoptic):
        reader = TruthReader(table)
        order = -1 if encoding == 'bgr8' else 1
        assert reader.read(image(pixels[..., ::order], encoding, 5)).tolist() == expected
        assert reader.unknown == 1


def test_train_ids_pass_and_what_is_none_of_them_is_unknown() -> None:
    reader = TruthReader(load_truth_table(TRAIN_IDS, LABELS))
    sent = image(np.array([[0, 18, 19, 254, 255]], np.uint8), 'mono8', 3)
    assert reader.read(sent).tolist() == [[0, 18, 255, 255, 255]]
    assert reader.unknown == 2


def test_an_image_that_holds_no_truth_is_refused() -> None:
    depth = RawImage('mono16', 2, 1, np.zeros((1, 2), np.uint16))
    table = load_truth_table('carla', LABELS)
    with pytest.raises(ImageError, match=r'expected an image in mono8 or one of .* got mono16'):
        TruthReader(table).read(depth)
    with pytest.raises(ImageError, match=r'as colours: expected an image in .* got mono8'):
        TruthReader(table, 'color').read(image(np.zeros((1, 2), np.uint8), 'mono8'))


GOOD = 'label_set: cityscapes\nchannel: red\nvalues:\n'


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('- 1', 'is not a truth table'),
        ('{', 'cannot read the truth table'),
        (GOOD + '  - {value: one, name: a}', 'is not a truth table'),
        (GOOD + '  - {value: 1, name: a, color: [1, 2]}', 'is not a truth table'),
        (GOOD + '  - {value: 1, name: a, label: raod}', "no class 'raod'"),
        (GOOD + '  - {value: 1, name: a}\n  - {value: 1, name: b}', 'different numbers'),
        (GOOD + '  - {value: 256, name: a}', 'numbers from 0 to 255'),
        (GOOD.replace('red', 'alpha') + '  - {value: 1, name: a}', 'red, green or blue'),
        (GOOD.replace('cityscapes', 'camvid') + '  - {value: 1, name: a}', "label set 'camvid'"),
    ],
)
def test_a_bad_table_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / 'table.yaml'
    path.write_text(text)
    with pytest.raises(LabelError, match=reason):
        load_truth_table(path, LABELS)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(LabelError, match=r'known are train_ids, carla, carla_0\.9\.13, gazebo_ex'):
        load_truth_table('unreal', LABELS)


def test_colours_must_tell_labels_apart(tmp_path: Path) -> None:
    path = tmp_path / 'table.yaml'
    path.write_text(
        GOOD
        + '  - {value: 1, name: a, color: [1, 2, 3], label: road}\n'
        + '  - {value: 2, name: b, color: [1, 2, 3], label: car}'
    )
    table = load_truth_table(path, LABELS)
    with pytest.raises(LabelError, match=r'color \(1, 2, 3\) to two labels'):
        TruthReader(table, 'color')
    with pytest.raises(LabelError, match="gives 'background' no color"):
        TruthReader(load_truth_table('gazebo_example', LABELS), 'color')


@pytest.mark.parametrize('path', sorted(config_file('truth').glob('*.yaml')), ids=lambda p: p.name)
def test_every_table_of_the_package_loads(path: Path) -> None:
    assert load_truth_table(path, LABELS).values
