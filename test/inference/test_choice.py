from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.core.labels import Label, load_label_set
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.choice import (
    BACKENDS,
    check_labels,
    create_runner,
    read_contract,
)
from test.tiny_model import tiny_contract, write_tiny_model


@pytest.mark.parametrize('backend', BACKENDS)
def test_every_backend_runs(tmp_path: Path, backend: str) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    with create_runner(backend, path, threads=1) as runner:
        assert runner.name == 'onnxruntime'
        assert runner.contract == tiny_contract()


def test_an_unknown_backend_lists_the_known() -> None:
    with pytest.raises(RunnerError, match="expected one of auto, onnxruntime, got 'caffe'"):
        create_runner('caffe', 'model.onnx')


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.delitem(sys.modules, 'seg_perception.inference.onnxruntime', raising=False)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(RunnerError, match=f'backend {backend}: .* got none: onnxruntime .*install'):
        create_runner(backend, 'model.onnx')
    with pytest.raises(RunnerError, match='got none: onnxruntime'):
        read_contract('model.onnx')


def test_a_contract_is_read(tmp_path: Path) -> None:
    assert read_contract(write_tiny_model(tmp_path / 'model.onnx')) == tiny_contract()
    with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
        read_contract(tmp_path / 'none.onnx')


def test_labels_that_agree() -> None:
    check_labels(tiny_contract(), load_label_set())
    labels = list(load_label_set().labels)
    labels[0] = replace(labels[0], color=(1, 2, 3))
    check_labels(tiny_contract(labels=labels), load_label_set())


def test_the_first_label_that_differs_is_named() -> None:
    labels = list(load_label_set().labels)
    swapped = [*labels[:3], labels[4], labels[3], *labels[5:]]
    with pytest.raises(ModelError) as caught:
        check_labels(tiny_contract(labels=swapped), load_label_set())
    assert str(caught.value) == (
        'model tiny_nearest_color (label set test): expected wall (id 12) as class 3 as in label '
        "set cityscapes, got fence (id 13); choose the model's label set or a model of this one"
    )


def test_too_few_and_too_many_labels() -> None:
    labels = load_label_set().labels
    with pytest.raises(ModelError, match=r'expected bicycle \(id 33\) as class 18 .* got no class'):
        check_labels(tiny_contract(labels=labels[:-1]), load_label_set())
    more = (*labels, Label('tram', 34, (9, 9, 9)))
    with pytest.raises(ModelError, match=r'expected no class as class 19 .* got tram \(id 34\)'):
        check_labels(tiny_contract(labels=more), load_label_set())
