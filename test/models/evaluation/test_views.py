"""Sliding windows, mirrors and the mean of their logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import from_bgr
from seg_perception.core.finish import upsampling
from seg_perception.core.labels import Label, LabelSet
from seg_perception.core.segmenter import Segmenter
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from seg_perception.models.evaluation.views import AveragingSegmenter, Windows, window_starts
from test.tiny_model import tiny_contract, tiny_logits, write_tiny_model

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class WrittenDown:
    """A runner whose logits are the red of each pixel, plus the column where it is in the input."""

    def __init__(self, *, stride: int = 1, align_corners: bool = False, slope: float = 0) -> None:
        labels = [Label('one', 1, (0, 0, 0)), Label('two', 2, (9, 9, 9))]
        self.contract = tiny_contract(
            width=8, height=4, stride=stride, align_corners=align_corners, labels=labels
        )
        self.slope = slope
        self.seen: list[Image] = []

    def logits(self, images: Image) -> Floats:
        self.seen.append(images.copy())
        columns, rows = self.contract.logits_size
        stride = self.contract.stride
        cells = images[..., 0].reshape(len(images), rows, stride, columns, stride).mean((2, 4))
        first = cells + self.slope * np.arange(columns)
        return np.stack([first, 100 - first], axis=1).astype(np.float32)


def planes(segmenter: AveragingSegmenter, rgb: Image) -> Floats:
    return np.stack([plane.copy() for plane in segmenter.mean_scores(rgb)])


def noise(width: int, height: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ('length', 'crop', 'stride', 'starts'),
    [
        (8, 8, 6, [0]),
        (9, 8, 6, [0, 1]),
        (14, 8, 6, [0, 6]),
        (15, 8, 6, [0, 6, 7]),
        # What mmsegmentation and the authors' tests do with 2048 x 1024 images.
        (2048, 769, 513, [0, 513, 1026, 1279]),
        (1024, 769, 513, [0, 255]),
        (2048, 713, 476, [0, 476, 952, 1335]),
        (1024, 713, 476, [0, 311]),
    ],
)
def test_windows_end_with_the_image(length: int, crop: int, stride: int, starts: list[int]) -> None:
    assert window_starts(length, crop, stride) == starts


def test_windows_overlap_by_a_third() -> None:
    assert Windows.overlapping((769, 713)).stride == (513, 476)
    assert Windows.overlapping((1, 2)).stride == (1, 2)


@pytest.mark.parametrize(
    ('crop', 'stride', 'reason'),
    [
        ((0, 4), (1, 1), 'crop: expected a window of 1 pixel or more, got 0x4'),
        ((8, 4), (9, 4), 'stride: expected a step .* up to the window of 8x4, .* got 9x4'),
        ((8, 4), (8, 0), 'stride: expected a step of 1 pixel'),
    ],
)
def test_windows_without_pixels_or_with_gaps_are_refused(
    crop: tuple[int, int], stride: tuple[int, int], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Windows(crop, stride)


def test_logits_are_averaged_where_windows_overlap() -> None:
    runner = WrittenDown(slope=10)
    rgb = np.zeros((4, 13, 3), np.uint8)
    first, second = planes(AveragingSegmenter(runner, Windows((8, 4), (6, 4))), rgb)
    # Windows from 0 and, moved inward from 6, from 5: column x is x and x - 5 in them.
    row = [0, 10, 20, 30, 40, 25, 35, 45, 30, 40, 50, 60, 70]
    np.testing.assert_array_equal(first, [row] * 4)
    np.testing.assert_array_equal(second, 100 - first)
    assert len(runner.seen) == 2


def test_windows_overlap_in_both_directions() -> None:
    runner = WrittenDown(slope=10)
    rgb = noise(11, 6)
    first, _ = planes(AveragingSegmenter(runner, Windows((8, 4), (3, 2))), rgb)
    total, count = np.zeros((2, 6, 11))
    for top in (0, 2):
        for left in (0, 3):
            total[top : top + 4, left : left + 8] += 10 * np.arange(8)
            count[top : top + 4, left : left + 8] += 1
    np.testing.assert_allclose(first, rgb[..., 0] + total / count, rtol=1e-6)


@pytest.mark.parametrize('align_corners', [False, True])
def test_a_window_of_another_size_is_resized_there_and_back(align_corners: bool) -> None:
    runner = WrittenDown(stride=2, align_corners=align_corners)
    rgb = noise(32, 8)
    first, _ = planes(AveragingSegmenter(runner, Windows((16, 8), (16, 8))), rgb)
    for left, seen in zip((0, 16), runner.seen, strict=True):
        assert seen.shape == (1, 4, 8, 3)
        expected = np.empty((8, 16), np.float32)
        cells = seen[0, ..., 0].reshape(2, 2, 4, 2).mean((1, 3)).astype(np.float32)
        upsampling((4, 2), (16, 8), align_corners)(cells, expected)
        np.testing.assert_allclose(first[:, left : left + 16], expected, rtol=1e-6)


def test_a_small_image_is_padded_with_the_mean_colour() -> None:
    runner = WrittenDown()
    bgr = np.full((2, 5, 3), 200, np.uint8)
    label = AveragingSegmenter(runner, Windows.overlapping((8, 4))).label(from_bgr(bgr))
    (seen,) = runner.seen
    assert (seen[0, 1:3, 1:6] == 200).all()
    border = np.ones((4, 8), bool)
    border[1:3, 1:6] = False
    assert (seen[0][border] == (124, 116, 104)).all()
    np.testing.assert_array_equal(label, np.zeros((2, 5)))


def test_the_models_own_mean_is_taken_where_it_tells_one() -> None:
    runner = WrittenDown()
    runner.contract = ModelContract(
        **{**vars(runner.contract), 'configuration': {'mean': [10.4, 20.6, 30]}}
    )
    bgr = np.full((4, 6, 3), 200, np.uint8)
    AveragingSegmenter(runner, Windows.overlapping((8, 4))).label(from_bgr(bgr))
    assert runner.seen[0][0, :, 0].tolist() == [[10, 21, 30]] * 4


@pytest.mark.parametrize('slope', [0, 10])
def test_a_mirror_changes_what_is_not_symmetric(slope: float) -> None:
    runner = WrittenDown(slope=slope)
    rgb = noise(8, 4)
    first, _ = planes(AveragingSegmenter(runner, flip=True), rgb)
    # Column x of 8 is column 7 - x of the mirror.
    ramp = slope * (np.arange(8) + np.arange(8)[::-1]) / 2
    np.testing.assert_array_equal(first, rgb[..., 0] + ramp)
    np.testing.assert_array_equal(runner.seen[1], runner.seen[0][:, :, ::-1])
    alone, _ = planes(AveragingSegmenter(WrittenDown(slope=slope)), rgb)
    assert (first == alone).all() == (slope == 0)


@pytest.mark.parametrize('align_corners', [False, True])
def test_the_mirror_of_a_coarse_grid_lies_on_the_image(align_corners: bool) -> None:
    rgb = noise(8, 4)
    coarse = WrittenDown(stride=2, align_corners=align_corners)
    both, _ = planes(AveragingSegmenter(coarse, flip=True), rgb)
    alone, _ = planes(AveragingSegmenter(coarse), rgb)
    np.testing.assert_allclose(both, alone, rtol=1e-6)


@pytest.mark.parametrize('batch', [None, 1, 3])
@pytest.mark.parametrize('flip', [False, True])
def test_one_view_of_a_real_model_labels_as_the_node_does(
    tmp_path: Path, labels: LabelSet, batch: int | None, flip: bool
) -> None:
    bgr = labels.color_table()[street(256, 128, labels)]
    alone, fixed = tmp_path / 'alone.onnx', tmp_path / 'fixed.onnx'
    with (
        OnnxRuntimeRunner(write_tiny_model(alone)) as node,
        OnnxRuntimeRunner(write_tiny_model(fixed, tiny_contract(batch=batch))) as runner,
    ):
        expected = Segmenter(node).label(from_bgr(bgr))
        label = AveragingSegmenter(runner, flip=flip).label(from_bgr(bgr))
    assert len(np.unique(expected)) > 3
    np.testing.assert_array_equal(label, expected)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('stride', [(96, 48), (40, 24), (128, 64)])
def test_windows_of_a_real_model_label_as_the_whole(
    tmp_path: Path, labels: LabelSet, stride: tuple[int, int], flip: bool
) -> None:
    """A pixel's class follows from its colour alone, so windows cannot matter."""
    truth = street(300, 150, labels)
    path = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(stride=1))
    with OnnxRuntimeRunner(path) as runner:
        segmenter = AveragingSegmenter(runner, Windows((128, 64), stride), flip=flip)
        label = segmenter.label(from_bgr(labels.color_table()[truth]))
    np.testing.assert_array_equal(label, truth)


def test_the_mean_is_of_logits_and_not_of_labels(tmp_path: Path) -> None:
    contract = tiny_contract(width=16, height=8)
    path = write_tiny_model(tmp_path / 'tiny.onnx', contract, sharpness=0.001)
    rgb = np.ascontiguousarray(noise(24, 8))
    with OnnxRuntimeRunner(path) as runner:
        mean = planes(AveragingSegmenter(runner, Windows((16, 8), (8, 8))), rgb)
    tiles = np.empty((2, 19, 8, 16), np.float32)
    upsample = upsampling((2, 1), (16, 8), align_corners=False)
    for tile, left in zip(tiles, (0, 8), strict=True):
        (logits,) = tiny_logits(contract, rgb[np.newaxis, :, left : left + 16], 0.001)
        for number in range(19):
            upsample(logits[number].astype(np.float32), tile[number])
    np.testing.assert_allclose(mean[..., :8], tiles[0][..., :8], rtol=1e-4)
    middle = (tiles[0][..., 8:] + tiles[1][..., :8]) / 2
    np.testing.assert_allclose(mean[..., 8:16], middle, rtol=1e-4)
    np.testing.assert_allclose(mean[..., 16:], tiles[1][..., 8:], rtol=1e-4)


@pytest.mark.parametrize('flip', [False, True])
def test_the_mean_of_probabilities(flip: bool) -> None:
    runner = WrittenDown(slope=0.5)
    rgb = np.full((4, 12, 3), 49, np.uint8)
    segmenter = AveragingSegmenter(runner, Windows((8, 4), (4, 4)), flip=flip, mean='probabilities')
    first, second = planes(segmenter, rgb)
    # Logits x and 100 - x: their softmax is the logistic function of the difference.
    window = 1 / (1 + np.exp(100 - 2 * (49 + 0.5 * np.arange(8))))
    if flip:
        window = (window + window[::-1]) / 2
    expected = [*window[:4], *(window[4:] + window[:4]) / 2, *window[4:]]
    np.testing.assert_allclose(first, [expected] * 4, rtol=1e-4)
    np.testing.assert_allclose(first + second, np.ones((4, 12)), rtol=1e-5)


def test_probabilities_of_large_logits_are_finite(tmp_path: Path, labels: LabelSet) -> None:
    truth = street(128, 64, labels)
    path = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(stride=1), sharpness=1000)
    with OnnxRuntimeRunner(path) as runner:
        segmenter = AveragingSegmenter(runner, mean='probabilities')
        label = segmenter.label(from_bgr(labels.color_table()[truth]))
    np.testing.assert_array_equal(label, truth)


def street(width: int, height: int, labels: LabelSet) -> Image:
    truth = np.full((height, width), labels.train_id('sky'), np.uint8)
    truth[height // 2 :] = labels.train_id('road')
    truth[height // 3 : 3 * height // 4, : width // 5] = labels.train_id('car')
    truth[height // 4 : height // 2, width // 2 : 2 * width // 3] = labels.train_id('bus')
    return truth
