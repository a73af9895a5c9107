"""Calibration: what is counted, where it is cut, and which pictures are looked at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest

from seg_perception.models.dataset import DatasetError
from seg_perception.models.export.calibration import LEVELS, Histogram, Pictures, calibrate, peaks
from test.tiny_model import tiny_contract, write_tiny_model


def squared_error(values: npt.NDArray[np.float32], limit: float) -> float:
    step = limit / LEVELS
    return float(np.square(values - np.clip(np.rint(values / step), -LEVELS, LEVELS) * step).sum())


def histogram_of(*arrays: npt.NDArray[np.float32]) -> Histogram:
    histogram = Histogram()
    for array in arrays:
        histogram.add(array)
    return histogram


@pytest.mark.parametrize('kind', ['normal', 'laplace', 'uniform'])
def test_the_limit_has_the_least_error(kind: str) -> None:
    random = np.random.default_rng(3)
    values = np.asarray(getattr(random, kind)(size=(2, 8, 40, 50)), np.float32)
    limit = histogram_of(values).best_limit()
    best = squared_error(values, limit)
    others = [squared_error(values, float(factor * limit)) for factor in (0.7, 0.85, 1.15, 1.5)]
    assert best < min(others)


def test_one_far_value_is_cut_and_many_are_not() -> None:
    values = np.random.default_rng(0).uniform(0, 1, 1_000_000).astype(np.float32)
    far = np.append(values, np.float32(2))
    assert histogram_of(far).best_limit() < 1.2
    clipped = np.minimum(values * 60, 6).astype(np.float32)  # most are exactly 6, as after ReLU6
    assert histogram_of(clipped).best_limit() == pytest.approx(6, rel=0.01)


def test_the_range_grows_without_losing_a_value() -> None:
    random = np.random.default_rng(1)
    arrays = [random.normal(0, spread, 5000).astype(np.float32) for spread in (0.01, 1, 30)]
    grown, at_once = histogram_of(*arrays), histogram_of(np.concatenate(arrays))
    assert grown.counts.sum() == 15_000
    assert (grown.range, grown.largest) == (at_once.range, at_once.largest)
    np.testing.assert_array_equal(grown.counts, at_once.counts)


def test_values_on_the_edge_of_the_range_are_counted() -> None:
    histogram = histogram_of(np.array([-8, 8, 4, 0], np.float32))
    assert (histogram.range, histogram.counts.sum()) == (16, 4)


def test_an_activation_that_is_always_zero_has_a_scale() -> None:
    assert histogram_of(np.zeros((1, 2, 3), np.float32)).best_limit() == 1


def test_an_activation_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match='expected finite activations, got nan'):
        histogram_of(np.array([1, np.nan], np.float32))


def test_calibrate_looks_inside_a_model(tmp_path: Path) -> None:
    model = onnx.load(str(write_tiny_model(tmp_path / 'tiny.onnx')))
    grey = [np.full((64, 128, 3), level, np.uint8) for level in (127, 20)]
    assert calibrate(model, ['cells'], grey)['cells'] == pytest.approx(127, rel=0.01)
    with pytest.raises(ValueError, match='calibrating: expected pictures, got none'):
        calibrate(model, ['cells'], [])


def test_peaks_are_the_largest_values(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', sharpness=0.1)
    images = [np.full((64, 128, 3), level, np.uint8) for level in (30, 200, 10)]
    found = peaks(onnx.load(str(path)), images)
    assert set(found) == {'float', 'planes', 'cells', 'logits'}
    assert found['float'] == found['planes'] == found['cells'] == 200
    colors = np.array([label.color for label in tiny_contract().labels])
    logits = [0.1 * (2 * level * colors.sum(1) - (colors**2).sum(1)) for level in (30, 200, 10)]
    assert found['logits'] == pytest.approx(np.abs(logits).max(), rel=1e-5)


def test_no_number_peaks_at_infinity(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', offset=float('nan'))
    found = peaks(onnx.load(str(path)), [np.zeros((64, 128, 3), np.uint8)])
    assert (found['cells'], found['logits']) == (0, np.inf)


def write_pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        bgr = np.full((6, 8, 3), (index, 100, 200), np.uint8)
        assert cv2.imwrite(str(folder / f'{index:02}.png'), bgr)


def test_pictures_of_any_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path / 'deep' / 'er', 10)
    (tmp_path / 'notes.txt').write_text('no picture')
    pictures = Pictures(tmp_path, (4, 2), 'train', 4)
    found = list(pictures)
    assert len(pictures) == len(found) == 4
    assert found[0].shape == (2, 4, 3)
    assert [tuple(image[0, 0]) for image in found] == [(200, 100, n) for n in (0, 2, 5, 7)]
    assert len(list(pictures)) == 4  # a second time
    assert len(Pictures(tmp_path, (4, 2), 'train', 99)) == 10


def test_pictures_of_a_split(tmp_path: Path) -> None:
    write_pictures(tmp_path / 'leftImg8bit' / 'train' / 'town', 3)
    write_pictures(tmp_path / 'leftImg8bit' / 'val' / 'town', 2)
    assert len(Pictures(tmp_path, (4, 2), 'train', 9)) == 3
    assert len(Pictures(tmp_path, (4, 2), 'val', 9)) == 2
    with pytest.raises(DatasetError, match=r'pictures .* in .*test and to take .* got 0 and 9'):
        Pictures(tmp_path, (4, 2), 'test', 9)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / 'x.jpg').write_bytes(b'nothing')
    with pytest.raises(DatasetError, match=r'cannot decode .*x\.jpg'):
        list(Pictures(tmp_path, (4, 2), 'train', 1))
