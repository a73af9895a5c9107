from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, version_converter

from seg_perception.core.contract import ModelContract
from seg_perception.core.finish import finish_reference
from seg_perception.core.labels import Label
from seg_perception.inference.base import ModelError
from seg_perception.inference.device_finish import append_finish
from test.inference.runner_contract import pictures
from test.tiny_model import tiny_contract, tiny_logits, write_tiny_model

OUTPUTS = ['logits', 'label', 'confidence', 'finite']


def labels_of(count: int) -> list[Label]:
    """Classes of different greys."""
    return [
        Label(name=f'class {number}', id=number, color=(number, number, number))
        for number in range(count)
    ]


def finished(model: Any, images: npt.NDArray[np.uint8]) -> list[npt.NDArray[Any]]:
    """Run a model on the CPU and return its outputs in the order of OUTPUTS."""
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    assert [(output.name, output.type) for output in session.get_outputs()] == [
        ('logits', session.get_outputs()[0].type),
        *((name, 'tensor(uint8)') for name in OUTPUTS[1:]),
    ]
    results: list[npt.NDArray[Any]] = session.run(OUTPUTS, {'image': images})
    return results


def write_passing_model(path: Path, contract: ModelContract, logits: npt.NDArray[Any]) -> Path:
    """Write a contract model that answers these logits [N, C, h, w] to any N images."""
    model = onnx.load(str(write_tiny_model(path, contract)))
    graph = model.graph
    element = helper.np_dtype_to_tensor_dtype(logits.dtype)
    constant = onnx.numpy_helper.from_array(logits, 'answer')
    del graph.node[:], graph.initializer[:]
    graph.initializer.append(constant)
    # The picture has its part, or it would be no input of the runtime's.
    graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((), logits.dtype), 'nothing'))
    graph.node.extend(
        [
            helper.make_node('Cast', ['image'], ['numbers'], to=element),
            helper.make_node('ReduceMax', ['numbers'], ['one'], keepdims=0),
            helper.make_node('Mul', ['one', 'nothing'], ['none']),
            helper.make_node('Add', ['answer', 'none'], ['logits']),
        ]
    )
    graph.output[0].type.tensor_type.elem_type = element
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(
    'sides', [(128, 64, 8, 19), (96, 72, 1, 3), (713, 473, 8, 2), (100, 60, 32, 1), (7, 5, 8, 30)]
)
@pytest.mark.parametrize('dtype', [np.float32, np.float16])
def test_the_nodes_are_the_reference(
    tmp_path: Path,
    sides: tuple[int, int, int, int],
    align_corners: bool,
    dtype: type[np.float32 | np.float16],
) -> None:
    width, height, stride, classes = sides
    contract = tiny_contract(
        width=width,
        height=height,
        stride=stride,
        align_corners=align_corners,
        labels=labels_of(classes),
    )
    columns, rows = contract.logits_size
    generator = np.random.default_rng(width + classes)
    logits = generator.normal(0, 3, (2, classes, rows, columns)).astype(dtype)
    path = write_passing_model(tmp_path / 'model.onnx', contract, logits)
    images = np.zeros((2, height, width, 3), np.uint8)
    kept, labels, confidences, finite = finished(append_finish(path, contract), images)
    assert kept.dtype == dtype
    np.testing.assert_array_equal(kept, logits)
    assert labels.shape == confidences.shape == (2, height, width)
    assert finite.tolist() == [1, 1]
    for number in range(2):
        label, confidence = finish_reference(logits[number], contract.size, align_corners)
        assert (labels[number] == label).mean() >= 0.9999
        assert np.abs(confidences[number].astype(int) - confidence).max() <= 1
        assert (confidences[number] == confidence).mean() > 0.999


@pytest.mark.parametrize('label_stride', [2, 4])
def test_labels_are_as_coarse_as_the_file_says(tmp_path: Path, label_stride: int) -> None:
    contract = tiny_contract(stride=4, labels=labels_of(7), label_stride=label_stride)
    logits = np.random.default_rng(1).normal(0, 3, (1, 7, 16, 32)).astype(np.float32)
    path = write_passing_model(tmp_path / 'model.onnx', contract, logits)
    images = np.zeros((1, 64, 128, 3), np.uint8)
    _, labels, confidences, _ = finished(append_finish(path, contract), images)
    label, confidence = finish_reference(
        logits[0], (128 // label_stride, 64 // label_stride), False
    )
    np.testing.assert_array_equal(labels[0], label)
    assert np.abs(confidences[0].astype(int) - confidence).max() <= 1


def test_the_lowest_index_wins_a_tie(tmp_path: Path) -> None:
    contract = tiny_contract(labels=labels_of(6))
    logits = np.full((1, 6, 8, 16), -1, np.float32)
    logits[:, [2, 4, 5]] = 0.1
    logits[:, :, :, 8:] = 0
    path = write_passing_model(tmp_path / 'model.onnx', contract, logits)
    images = np.zeros((1, 64, 128, 3), np.uint8)
    _, label, confidence, _ = finished(append_finish(path, contract), images)
    assert np.unique(label[0, :, :56]).tolist() == [2]
    assert np.unique(label[0, :, 72:]).tolist() == [0]
    # Six equal logits: 255 / 6 = 42.5, and a half is rounded to even.
    assert confidence[0, 0, -1] == 42


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf, 2e30])
def test_only_the_image_with_a_bad_number_is_refused(tmp_path: Path, bad: float) -> None:
    contract = tiny_contract()
    logits = np.zeros((3, 19, 8, 16), np.float32)
    logits[:, 13] = 9e29
    logits[1, 18, 7, 15] = bad
    path = write_passing_model(tmp_path / 'model.onnx', contract, logits)
    images = np.zeros((3, 64, 128, 3), np.uint8)
    _, label, confidence, finite = finished(append_finish(path, contract), images)
    assert finite.tolist() == [1, 0, 1]
    assert np.unique(label[[0, 2]]).tolist() == [13]
    assert np.unique(confidence[[0, 2]]).tolist() == [255]


@pytest.mark.parametrize('opset', [13, 17, 18, 21])
@pytest.mark.parametrize('batch', [None, 2])
def test_a_whole_model_of_any_operators_is_finished(
    tmp_path: Path, opset: int, batch: int | None
) -> None:
    contract = tiny_contract(batch=batch)
    path = write_tiny_model(tmp_path / 'model.onnx', contract, sharpness=0.0005)
    onnx.save(version_converter.convert_version(onnx.load(str(path)), opset), str(path))
    images = pictures(contract, 2)
    model = append_finish(path, contract)
    first = model.graph.output[1].type.tensor_type.shape.dim[0]
    assert (first.dim_param, first.dim_value) == (('N', 0) if batch is None else ('', 2))
    _, labels, confidences, finite = finished(model, images)
    assert finite.tolist() == [1, 1]
    for number, logits in enumerate(tiny_logits(contract, images, 0.0005)):
        label, confidence = finish_reference(logits, contract.size, contract.align_corners)
        assert len(np.unique(label)) > 5
        assert (labels[number] == label).mean() >= 0.9999
        assert np.abs(confidences[number].astype(int) - confidence).max() <= 1


def test_operators_that_are_too_old_are_refused(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    model = onnx.load(str(path))
    model.opset_import[0].version = 11
    onnx.save(model, str(path))
    with pytest.raises(ModelError, match=r'of version 13 to 24, got 11; export'):
        append_finish(path, tiny_contract())


def test_every_class_takes_part(tmp_path: Path) -> None:
    contract = tiny_contract()
    logits = np.zeros((1, 19, 8, 16), np.float32)
    for number in range(19):
        logits[0, number, number // 4, number % 4] = 9
    path = write_passing_model(tmp_path / 'model.onnx', contract, logits)
    model = append_finish(path, contract)
    _, label, _, _ = finished(model, np.zeros((1, 64, 128, 3), np.uint8))
    found = label[0, 4::8, 4::8][:5, :4].reshape(-1)[:19]
    np.testing.assert_array_equal(found, np.arange(19))
    assert {node.op_type for node in model.graph.node} >= {'Resize', 'Greater', 'Where', 'Max'}
    assert all(node.name.startswith('finish/') for node in model.graph.node[-10:])
    assert model.graph.output[3].type.tensor_type.elem_type == TensorProto.UINT8
