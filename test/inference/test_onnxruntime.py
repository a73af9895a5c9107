from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from seg_perception.inference.base import ModelError, Runner
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner, read_contract
from test.inference.runner_contract import RunnerContract
from test.tiny_model import tiny_contract, write_tiny_model


class TestOnnxRuntime(RunnerContract):
    def make_runner(self, path: Path) -> Runner:
        return OnnxRuntimeRunner(path, threads=1)


def test_its_name() -> None:
    assert OnnxRuntimeRunner('model.onnx').name == 'onnxruntime'


def test_a_negative_number_of_threads_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r'threads: expected 0 \(one for each core\) or more, got -1'
    ):
        OnnxRuntimeRunner('model.onnx', threads=-1)


def test_threads_do_not_change_labels(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', sharpness=0.001)
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 128, 3), np.uint8)
    labels = []
    for threads in (0, 1, 2):
        with OnnxRuntimeRunner(path, threads=threads) as runner:
            labels.append(runner.infer(images).label)
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[0], labels[2])


def test_half_float_logits(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', sharpness=0.0005)
    model = onnx.load(path)
    model.graph.node[-1].output[0] = 'wide'
    model.graph.node.append(
        onnx.helper.make_node('Cast', ['wide'], ['logits'], to=onnx.TensorProto.FLOAT16)
    )
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    onnx.save(model, path)
    images = np.full((1, 64, 128, 3), tiny_contract().labels[13].color, np.uint8)
    with OnnxRuntimeRunner(path, threads=1) as runner:
        label = runner.infer(images).label
        assert runner.logits(images).dtype == np.float32
    assert (label == 13).all()


def test_a_model_whose_weights_lie_elsewhere(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    model = onnx.load(path)
    weight = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(weight, 'weights')
    weight.ClearField('raw_data')
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"model\.onnx: .* one file .* got 'weight' in 'weights'"):
        OnnxRuntimeRunner(path).activate()


def test_a_contract_is_read_without_a_runner(tmp_path: Path) -> None:
    contract = tiny_contract(width=64, height=48, batch=1, stride=4, align_corners=True)
    path = write_tiny_model(tmp_path / 'model.onnx', contract)
    assert read_contract(path) == contract
    assert read_contract(str(path)) == contract


def test_int8_sums_are_exact_on_every_cpu(tmp_path: Path) -> None:
    with OnnxRuntimeRunner(write_tiny_model(tmp_path / 'model.onnx')) as runner:
        options = runner._session.get_session_options()
        assert options.get_session_config_entry('session.x64quantprecision') == '1'
