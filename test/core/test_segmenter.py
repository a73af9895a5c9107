from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.encodings import ImageError, from_bgr, view_image
from seg_perception.core.labels import UNLABELLED, Label, LabelError, load_label_set
from seg_perception.core.segmenter import STAGES, Segmenter
from seg_perception.inference.base import Runner, RunnerError
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from test.tiny_model import tiny_contract, write_tiny_model

ROAD, SKY, CAR = (load_label_set().train_id(name) for name in ('road', 'sky', 'car'))


@pytest.fixture(scope='module')
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    path = write_tiny_model(tmp_path_factory.mktemp('model') / 'tiny.onnx')
    with OnnxRuntimeRunner(path, threads=1) as active:
        yield active


def street(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Sky above road with a car on the left, in the classes' colours, BGR."""
    table = load_label_set().color_table()
    label = np.full((height, width), ROAD, np.uint8)
    label[: height // 2] = SKY
    label[height // 2 :, : width // 4] = CAR
    return table[label]


def check_street(label: npt.NDArray[np.uint8]) -> None:
    """Check the labels of `street` off its borders, where colours mix."""
    height, width = label.shape
    margin = height // 8
    assert (label[: height // 2 - margin] == SKY).all()
    ground = label[height // 2 + margin :]
    assert (ground[:, : width // 4 - margin] == CAR).all()
    assert (ground[:, width // 4 + margin :] == ROAD).all()


@pytest.mark.parametrize('size', [(128, 64), (256, 128), (200, 150), (64, 40), (1280, 720)])
def test_labels_at_the_camera_size(runner: Runner, size: tuple[int, int]) -> None:
    result = Segmenter(runner).segment(from_bgr(street(*size)))
    assert result.label.dtype == result.confidence.dtype == np.uint8
    assert result.label.shape == result.confidence.shape == size[::-1]
    check_street(result.label)
    assert result.confidence[0, 0] == 255


@pytest.mark.parametrize('size', [(128, 64), (200, 150)])
def test_labels_at_the_network_size(runner: Runner, size: tuple[int, int]) -> None:
    result = Segmenter(runner, output='network').segment(from_bgr(street(*size)))
    assert result.label.shape == (64, 128)
    check_street(result.label)


def test_coarse_labels_reach_the_camera_size(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'coarse.onnx', tiny_contract(label_stride=4))
    with OnnxRuntimeRunner(path, threads=1) as coarse:
        own = Segmenter(coarse, output='network').segment(from_bgr(street(128, 64)))
        full = Segmenter(coarse).segment(from_bgr(street(128, 64)))
    assert own.label.shape == (16, 32)
    check_street(own.label)
    np.testing.assert_array_equal(full.label, np.kron(own.label, np.ones((4, 4), np.uint8)))


def test_camera_labels_are_the_network_labels_by_nearest_neighbour(runner: Runner) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (192, 384, 3), np.uint8)
    image = from_bgr(np.asarray(cv2.GaussianBlur(noise, (0, 0), 15), np.uint8))
    small = Segmenter(runner, output='network').segment(image)
    large = Segmenter(runner).segment(image)
    assert len(np.unique(small.label)) > 1
    np.testing.assert_array_equal(large.label, np.kron(small.label, np.ones((3, 3), np.uint8)))
    expected = np.kron(small.confidence, np.ones((3, 3), np.uint8))
    np.testing.assert_array_equal(large.confidence, expected)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgra8', 'yuyv'])
def test_the_encoding_does_not_change_labels(runner: Runner, encoding: str) -> None:
    bgr = street(128, 64)
    data = {
        'rgb8': np.ascontiguousarray(bgr[:, :, ::-1]),
        'bgra8': np.dstack([bgr, np.full((64, 128), 255, np.uint8)]),
        'yuyv': yuyv(bgr),
    }[encoding]
    image = view_image(
        encoding=encoding,
        width=128,
        height=64,
        step=data.nbytes // 64,
        is_bigendian=False,
        data=data,
    )
    check_street(Segmenter(runner).segment(image).label)


def yuyv(bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    full = bgr.astype(float) @ np.array([[0.114, 0.587, 0.299]]).T
    blue, red = (bgr[:, :, [0]] - full) / 1.772, (bgr[:, :, [2]] - full) / 1.402
    chroma = np.where(np.arange(bgr.shape[1])[:, np.newaxis] % 2 == 0, blue, red)
    packed = np.dstack([full * 219 / 255 + 16, chroma * 224 / 255 + 128])
    return np.asarray(np.rint(packed), np.uint8)


def test_confidence_only_when_wanted(runner: Runner) -> None:
    result = Segmenter(runner).segment(from_bgr(street(200, 150)), want_confidence=False)
    with pytest.raises(ValueError, match='infer with want_confidence'):
        _ = result.confidence
    check_street(result.label)
    obstacle = load_label_set().group_table('obstacle')
    np.testing.assert_array_equal(result.obstacle, obstacle[result.label])
    label = Segmenter(runner).label(from_bgr(street(200, 150)))
    np.testing.assert_array_equal(label, result.label)


def test_each_stage_has_its_time(runner: Runner) -> None:
    result = Segmenter(runner).segment(from_bgr(street(200, 150)))
    assert tuple(result.stage_ms) == STAGES
    assert all(duration >= 0 for duration in result.stage_ms.values())
    assert result.stage_ms['infer'] > 0


@pytest.mark.parametrize('output', ['camera', 'network'])
@pytest.mark.parametrize('size', [(128, 64), (200, 150)])
def test_results_outlive_the_next_image(runner: Runner, output: Any, size: tuple[int, int]) -> None:
    segmenter = Segmenter(runner, output=output)
    first = segmenter.segment(from_bgr(street(*size)))
    label = first.label.copy()
    second = segmenter.segment(from_bgr(street(*size)[::-1].copy()))
    assert (second.label != label).any()
    np.testing.assert_array_equal(first.label, label)


def test_it_follows_the_runner_to_another_model(tmp_path: Path) -> None:
    path = tmp_path / 'tiny.onnx'
    with OnnxRuntimeRunner(write_tiny_model(path), threads=1) as runner:
        segmenter = Segmenter(runner, output='network')
        assert segmenter.segment(from_bgr(street(200, 150))).label.shape == (64, 128)
        runner.deactivate()
        write_tiny_model(path, tiny_contract(width=64, height=48))
        runner.activate()
        assert segmenter.segment(from_bgr(street(200, 150))).label.shape == (48, 64)


def test_an_inactive_runner_is_named(tmp_path: Path) -> None:
    runner = OnnxRuntimeRunner(write_tiny_model(tmp_path / 'tiny.onnx'))
    with pytest.raises(RunnerError, match='expected an active one'):
        Segmenter(runner)


def test_every_product_of_a_picture(runner: Runner) -> None:
    ego = np.zeros((75, 100), np.uint8)
    ego[70:] = 1
    picture = street(200, 150)
    result = Segmenter(runner, ego_mask=ego).segment(picture)
    vehicle = np.arange(150)[:, np.newaxis] >= 140
    assert ((result.label == UNLABELLED) == vehicle).all()
    believed = (result.label == ROAD) & (result.confidence >= 128)
    np.testing.assert_array_equal(result.drivable == 255, believed)
    obstacle = load_label_set().group_table('obstacle')[result.label]
    np.testing.assert_array_equal(result.obstacle, obstacle)
    assert result.obstacle[130, 0] == 255
    np.testing.assert_array_equal(result.color, load_label_set().color_table()[result.label])
    np.testing.assert_array_equal(result.overlay[140:], picture[140:])
    assert result.overlay[0, 0].tolist() == picture[0, 0].tolist()
    assert result.label is result.label  # made once


def test_the_thresholds_are_used(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'unsure.onnx', sharpness=0.0002)
    with OnnxRuntimeRunner(path, threads=1) as unsure:
        plain = Segmenter(unsure).segment(street(200, 150))
        level = int(np.median(plain.confidence))
        sure = Segmenter(
            unsure, label_min_confidence=level / 255, drivable_min_confidence=level / 255
        )
        result = sure.segment(street(200, 150))
        alone = sure.label(street(200, 150))
    believed = plain.confidence >= level
    assert 0.1 < believed.mean() < 0.9
    np.testing.assert_array_equal(result.label, np.where(believed, plain.label, UNLABELLED))
    np.testing.assert_array_equal(result.drivable == 255, result.label == ROAD)
    np.testing.assert_array_equal(alone, result.label)


def test_a_model_of_unknown_labels_has_its_own(tmp_path: Path) -> None:
    labels = [Label('ground', 4, (0, 90, 0)), Label('air', 9, (0, 0, 255))]
    for known in ({}, {'label_set': 'cityscapes'}):  # a set of that name has other classes
        path = write_tiny_model(
            tmp_path / 'tiny.onnx', tiny_contract(labels=labels), metadata=known
        )
        with OnnxRuntimeRunner(path, threads=1) as runner:
            result = Segmenter(runner).segment(np.full((64, 128, 3), (0, 90, 0), np.uint8))
        assert (result.label == 0).all()
        assert result.color[0, 0].tolist() == [0, 90, 0]
        with pytest.raises(LabelError, match="has no group 'drivable'; it has none"):
            _ = result.drivable


@pytest.mark.parametrize(
    ('image', 'got'), [(None, 'None'), (np.zeros((4, 4), np.uint8), r'uint8 \[4, 4\]')]
)
def test_what_is_no_picture_is_named(runner: Runner, image: Any, got: str) -> None:
    with pytest.raises(ImageError, match=rf'expected BGR, uint8 \[H, W, 3\], got {got}; cv2.imr'):
        Segmenter(runner).segment(image)


def test_an_unknown_output_is_refused(runner: Runner) -> None:
    with pytest.raises(ValueError, match=r"expected 'camera', 'network' or .* got 'both'"):
        Segmenter(runner, output='both')  # type: ignore[arg-type]
