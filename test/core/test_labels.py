from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.labels import (
    UNLABELLED,
    Grouping,
    LabelError,
    LabelSet,
    load_grouping,
    load_label_set,
)

SMALL = """
name: small
labels:
  - {name: floor, id: 3, color: [1, 2, 3]}
  - {name: box, id: 9, color: [250, 0, 10]}
groups:
  drivable: [floor]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / 'labels.yaml'
    path.write_text(text, encoding='utf-8')
    return path


@pytest.fixture
def small(tmp_path: Path) -> LabelSet:
    return load_label_set(write(tmp_path, SMALL))


def test_cityscapes() -> None:
    labels = load_label_set()
    assert labels == load_label_set('cityscapes')
    assert labels.name == 'cityscapes'
    assert len(labels.labels) == 19
    assert labels.names[:3] == ('road', 'sidewalk', 'building')
    ids = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    assert [label.id for label in labels.labels] == ids
    assert labels.labels[labels.train_id('car')].color == (0, 0, 142)
    assert labels.groups['drivable'] == {labels.train_id('road')}
    free = {'road', 'sidewalk', 'terrain', 'sky'}
    assert {labels.names[i] for i in labels.groups['obstacle']} == set(labels.names) - free


def test_tables(small: LabelSet) -> None:
    assert small.names == ('floor', 'box')
    assert small.train_id('box') == 1
    assert np.flatnonzero(small.group_table('drivable')).tolist() == [0]
    assert small.group_table('drivable')[0] == 255
    colors = small.color_table()
    assert colors.shape == (256, 3)
    assert colors[[0, 1, 2, 255]].tolist() == [[3, 2, 1], [10, 0, 250], [0, 0, 0], [0, 0, 0]]
    to_train = small.id_to_train_id()
    assert to_train[[3, 9, 0, 255]].tolist() == [0, 1, UNLABELLED, UNLABELLED]
    assert small.train_id_to_id()[[0, 1, 2, UNLABELLED]].tolist() == [3, 9, 0, 0]
    for table in (colors, to_train, small.train_id_to_id(), small.group_table('drivable')):
        assert table.dtype == np.uint8


def test_ids_go_there_and_back() -> None:
    labels = load_label_set()
    ids = labels.train_id_to_id()[:19]
    assert labels.id_to_train_id()[ids].tolist() == list(range(19))


def test_what_a_set_lacks_is_named_with_what_it_has(small: LabelSet) -> None:
    with pytest.raises(LabelError, match="small has no class 'wall'; it has floor, box"):
        small.train_id('wall')
    with pytest.raises(LabelError, match="small has no group 'obstacle'; it has drivable"):
        small.group_table('obstacle')


def test_a_set_may_have_no_groups(tmp_path: Path) -> None:
    labels = load_label_set(write(tmp_path, SMALL.partition('groups')[0]))
    with pytest.raises(LabelError, match='it has none'):
        labels.group_table('drivable')


@pytest.mark.parametrize(
    ('old', 'new', 'sentence'),
    [
        ('name: small', 'title: small', r"is not a label set .*KeyError\('name'\)"),
        ('labels:', 'classes:', r"is not a label set .*KeyError\('labels'\)"),
        ('name: box, id: 9', 'name: box', r"KeyError\('id'\)"),
        ('[250, 0, 10]', '[250, 0]', r'is not a label set .*unpack'),
        ('[250, 0, 10]', '[250, 0, 256]', r'id and color must be 0 to 255'),
        ('id: 9', 'id: 256', r'id and color must be 0 to 255'),
        ('name: box', 'name: floor', r'must list 1 to 254 classes of different names'),
        ('id: 9', 'id: 3', r'different names and ids'),
        ('[floor]', '[floor, wall, door]', r"group 'drivable' lists unknown classes door, wall"),
        ('[floor]', '5', r'is not a label set'),
        ('labels:', '\tlabels: [', r'cannot read the label file'),
    ],
)
def test_a_broken_label_set_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in SMALL
    path = write(tmp_path, SMALL.replace(old, new))
    with pytest.raises(LabelError, match=sentence) as caught:
        load_label_set(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('text', ['', '[1, 2]', 'name'])
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(LabelError, match='is not a label file: expected a mapping, got'):
        load_label_set(write(tmp_path, text))


def test_a_missing_label_set_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="of the name 'mars'; known are camvid, camvid11, c"):
        load_label_set('mars')
    with pytest.raises(LabelError, match=r'cannot read the label file .*none\.yaml'):
        load_label_set(tmp_path / 'none.yaml')
    binary = tmp_path / 'binary.yaml'
    binary.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(LabelError, match='cannot read the label file'):
        load_label_set(binary)


def grouping(folder: Path, text: str, labels: LabelSet) -> Grouping:
    return load_grouping(write(folder, text), labels)


def test_camvid_groups_cityscapes() -> None:
    labels = load_label_set()
    groups = load_grouping('camvid11', labels)
    assert len(groups.classes) == 11
    assert groups.name == 'camvid11'

    def group_of(name: str) -> str:
        return groups.classes[int(groups.table[labels.train_id(name)])]

    assert all(group_of(name) == 'car' for name in ('car', 'truck', 'bus', 'train'))
    assert group_of('wall') == 'building'
    assert group_of('terrain') == 'vegetation'
    assert group_of('traffic light') == 'sign'
    assert all(group_of(name) == 'bicyclist' for name in ('rider', 'bicycle', 'motorcycle'))
    assert (groups.table[19:] == UNLABELLED).all()


def test_a_label_in_no_class_is_not_scored(tmp_path: Path, small: LabelSet) -> None:
    groups = grouping(tmp_path, 'label_set: small\nclasses: {thing: [box]}', small)
    assert groups.classes == ('thing',)
    assert groups.name == 'labels'
    assert groups.table[:3].tolist() == [UNLABELLED, 0, UNLABELLED]


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('label_set: small', 'is not a grouping'),
        ('label_set: small\nclasses: [box]', 'is not a grouping'),
        ('label_set: small\nclasses: {thing: }', 'is not a grouping'),
        ('label_set: small\nclasses: {thing: box}', 'is not a grouping'),
        ('label_set: big\nclasses: {thing: [box]}', "groups 'big', the model has 'small'"),
        ('label_set: small\nclasses: {thing: [wall]}', "small has no class 'wall'"),
        ('label_set: small\nclasses: {a: [box], b: [box]}', "'box' is in two classes"),
    ],
)
def test_a_broken_grouping_is_named(
    tmp_path: Path, small: LabelSet, text: str, sentence: str
) -> None:
    with pytest.raises(LabelError, match=sentence):
        grouping(tmp_path, text, small)
