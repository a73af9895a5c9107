from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.inference.base import ModelError
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from seg_perception.inference.supervised import InferenceError, SupervisedRunner
from test.tiny_model import tiny_contract, write_tiny_model

LABELS = load_label_set()
ROAD, SKY, CAR = (LABELS.train_id(name) for name in ('road', 'sky', 'car'))


def plain(*train_ids: int) -> npt.NDArray[np.uint8]:
    """Images of one class each, RGB, uint8 [N, 64, 128, 3]."""
    colors = np.array([LABELS.labels[train_id].color for train_id in train_ids], np.uint8)
    return np.ascontiguousarray(np.broadcast_to(colors[:, None, None], (len(colors), 64, 128, 3)))


def supervised(path: Path) -> SupervisedRunner:
    return SupervisedRunner(OnnxRuntimeRunner(path, threads=1), LABELS)


@pytest.mark.parametrize('batch', [None, 1, 2, 4])
@pytest.mark.parametrize('want_confidence', [True, False])
def test_any_number_of_images_goes_through_any_batch(
    tmp_path: Path, batch: int | None, want_confidence: bool
) -> None:
    runner = supervised(write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(batch=batch)))
    for classes in ([ROAD], [SKY, CAR], [CAR, ROAD, SKY], [ROAD, CAR, SKY, ROAD, CAR]):
        prediction = runner.infer(plain(*classes), want_confidence=want_confidence)
        assert prediction.label.shape == (len(classes), 64, 128)
        assert [np.unique(label).tolist() for label in prediction.label] == [[c] for c in classes]
        if want_confidence:
            assert prediction.confidence is not None
            assert (prediction.confidence == 255).all()
            assert prediction.confidence.shape == prediction.label.shape
        else:
            assert prediction.confidence is None
        assert prediction.infer_ms > 0
        assert prediction.finish_ms > 0
    runner.close()


def test_a_reloaded_model_goes_by_its_own_name(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', offset=float('nan'))
    runner = supervised(path)
    with pytest.raises(InferenceError, match=r'will be reloaded: RunnerError: logits: exp'):
        runner.infer(plain(ROAD))
    assert runner.failure.startswith('RunnerError')
    write_tiny_model(path, replace(tiny_contract(), name='another'))
    assert (runner.infer(plain(ROAD)).label == ROAD).all()
    assert (runner.model, runner.backend, runner.failure) == ('another', 'onnxruntime', '')
    assert runner.status.serving == 'onnxruntime'


def test_a_reloaded_model_may_have_another_size(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', offset=float('nan'))
    runner = supervised(path)
    with pytest.raises(InferenceError, match='will be reloaded'):
        runner.infer(plain(ROAD))
    write_tiny_model(path, tiny_contract(width=64, height=32))
    with pytest.raises(InferenceError, match=r'expected 64x32 as model .* got 128x64; prepare'):
        runner.infer(plain(ROAD))
    assert not runner.failure
    assert runner.contract.size == (64, 32)
    images = np.ascontiguousarray(plain(ROAD)[:, :32, :64])
    assert (runner.infer(images).label == ROAD).all()


def test_a_reloaded_model_of_other_labels_is_not_served(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', offset=float('nan'))
    runner = supervised(path)
    with pytest.raises(InferenceError):
        runner.infer(plain(ROAD))
    write_tiny_model(path, tiny_contract(labels=LABELS.labels[:3]))
    with pytest.raises(InferenceError, match=r'ModelError: .* expected wall .* got no class'):
        runner.infer(plain(ROAD))
    assert runner.status.serving == ''


def test_a_model_of_other_labels_is_refused_and_freed(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(labels=LABELS.labels[:3]))
    inner = OnnxRuntimeRunner(path, threads=1)
    with pytest.raises(ModelError, match=r'expected wall .* as class 3 .*, got no class'):
        SupervisedRunner(inner, LABELS)
    assert not inner.active


def test_pauses_between_reloads_grow_to_half_a_minute_and_no_further(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'tiny.onnx')
    now = 0.0
    inner = OnnxRuntimeRunner(path, threads=1)
    runner = SupervisedRunner(inner, LABELS, clock=lambda: now)
    runner.close()
    path.unlink()
    for pause in (0, 1, 2, 4, 8, 16, *[30] * 1200):
        with pytest.raises(InferenceError, match='failed and will be reloaded'):
            runner.infer(plain(ROAD))
        if pause:
            now += pause - 0.5
            with pytest.raises(InferenceError, match='is down until it is reloaded'):
                runner.infer(plain(ROAD))
            now += 0.5
    write_tiny_model(path)
    assert (runner.infer(plain(ROAD)).label == ROAD).all()
    assert not runner.failure
