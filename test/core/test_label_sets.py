"""The label sets in `config/labels/`: held to what the data sets publish, and through the core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.encodings import from_bgr
from seg_perception.core.labels import (
    DRIVABLE,
    OBSTACLE,
    UNLABELLED,
    LabelError,
    LabelSet,
    load_grouping,
    load_label_set,
)
from seg_perception.core.segmenter import Segmentation, Segmenter
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from test.tiny_model import tiny_contract, write_tiny_model

SETS = {'cityscapes': 19, 'camvid': 11, 'coco_panoptic': 133, 'scannet20': 20}


def members(labels: LabelSet, group: str) -> set[str]:
    return {labels.names[train_id] for train_id in labels.groups[group]}


@pytest.mark.parametrize(('name', 'count'), SETS.items(), ids=SETS)
def test_classes_are_told_apart(name: str, count: int) -> None:
    labels = load_label_set(name)
    assert labels.name == name
    assert len(labels.labels) == count
    for values in (labels.names, *zip(*((x.id, x.color) for x in labels.labels), strict=True)):
        assert len(set(values)) == count
    there = labels.id_to_train_id()[labels.train_id_to_id()[:count]]
    assert there.tolist() == list(range(count))


@pytest.mark.parametrize('name', SETS)
def test_ground_is_no_obstacle(name: str) -> None:
    labels = load_label_set(name)
    obstacles = members(labels, OBSTACLE)
    ground = {'road', 'sidewalk', 'terrain', 'sky', 'floor', 'floor-wood', 'pavement-merged'}
    assert not obstacles & (ground | labels.groups.get(DRIVABLE, frozenset()))
    stands = {'car', 'person', 'pedestrian', 'wall', 'chair', 'building', 'truck', 'dog'}
    assert obstacles >= stands & set(labels.names) != set()


def test_camvid_is_the_eleven_classes_of_its_grouping() -> None:
    labels = load_label_set('camvid')
    assert set(labels.names) == set(load_grouping('camvid11', load_label_set()).classes)
    # As the SegNet tutorial's annotations number them.
    assert labels.names[:5] == ('sky', 'building', 'pole', 'road', 'sidewalk')
    assert labels.names[5:] == ('vegetation', 'sign', 'fence', 'car', 'pedestrian', 'bicyclist')
    assert labels.labels[labels.train_id('sidewalk')].color == (0, 0, 192)
    assert members(labels, DRIVABLE) == {'road'}
    assert set(labels.names) - members(labels, OBSTACLE) == {'sky', 'road', 'sidewalk'}
    cityscapes = load_label_set()
    for name in ('sky', 'building', 'pole', 'road', 'sidewalk', 'vegetation', 'fence', 'car'):
        ids = {s.labels[s.train_id(name)].id for s in (labels, cityscapes)}
        assert len(ids) == 1


def test_coco_is_the_panoptic_task() -> None:
    labels = load_label_set('coco_panoptic')
    for train_id, name, id_, color in [
        (0, 'person', 1, (220, 20, 60)),
        (11, 'stop sign', 13, (220, 220, 0)),
        (79, 'toothbrush', 90, (191, 162, 208)),
        (80, 'banner', 92, (255, 255, 128)),
        (100, 'road', 149, (128, 64, 128)),
        (123, 'pavement-merged', 191, (96, 96, 96)),
        (132, 'rug-merged', 200, (250, 141, 255)),
    ]:
        label = labels.labels[train_id]
        assert (label.name, label.id, label.color) == (name, id_, color)
    # What these add up to in the published file.
    assert sum(label.id for label in labels.labels) == 11963
    colors = np.array([label.color for label in labels.labels])
    assert colors.sum(axis=0).tolist() == [18228, 16349, 17444]
    assert members(labels, DRIVABLE) == {'road'}
    assert len(members(labels, OBSTACLE)) == 114
    assert members(labels, OBSTACLE) >= set(labels.names[:80]) - {'road'}


def test_scannet_is_the_benchmark() -> None:
    labels = load_label_set('scannet20')
    ids = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39]
    assert [label.id for label in labels.labels] == ids
    assert labels.names[:3] == ('wall', 'floor', 'cabinet')
    assert labels.names[-3:] == ('sink', 'bathtub', 'otherfurniture')
    assert labels.labels[1].color == (152, 223, 138)
    assert labels.labels[19].color == (82, 84, 163)
    assert set(labels.groups) == {OBSTACLE}
    assert set(labels.names) - members(labels, OBSTACLE) == {'floor'}


def segment(labels: LabelSet, folder: Path) -> tuple[Segmentation, np.ndarray]:
    """Segment an image of one stripe a class, in the classes' colours; also return its labels."""
    count = len(labels.labels)
    truth = np.repeat(np.arange(count, dtype=np.uint8), 8)[None].repeat(16, axis=0)
    contract = tiny_contract(width=8 * count, height=16, stride=1, labels=labels.labels)
    path = write_tiny_model(folder / 'model.onnx', contract)
    with OnnxRuntimeRunner(path, threads=1) as runner:
        image = from_bgr(labels.color_table()[truth])
        segmenter = Segmenter(runner, labels=labels, drivable_min_confidence=0.1)
        return segmenter.segment(image), truth


@pytest.mark.parametrize('name', SETS)
def test_a_model_of_each_set_runs_to_the_masks(name: str, tmp_path: Path) -> None:
    labels = load_label_set(name)
    seen, truth = segment(labels, tmp_path)
    np.testing.assert_array_equal(seen.label, truth)
    np.testing.assert_array_equal(seen.obstacle, labels.group_table(OBSTACLE)[truth])
    np.testing.assert_array_equal(seen.color, labels.color_table()[truth])
    assert not (seen.label == UNLABELLED).any()
    if DRIVABLE in labels.groups:
        np.testing.assert_array_equal(seen.drivable, labels.group_table(DRIVABLE)[truth])
    else:
        with pytest.raises(LabelError, match=f"label set {name} has no group 'drivable'"):
            _ = seen.drivable
