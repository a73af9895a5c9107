"""FP16: every type in the file, the same labels, and what overflows is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from seg_perception.inference.choice import create_runner, read_contract
from seg_perception.models.dataset import Image
from seg_perception.models.export.precision import to_half
from test.models.export.residual_model import write_residual_model
from test.tiny_model import tiny_contract, write_tiny_model

COLORS = [label.color for label in tiny_contract().labels]


def picture() -> Image:
    """Return a picture of 128x64 with each label's colour on cells of 8x8."""
    numbers = np.arange(8 * 16).reshape(8, 16) % len(COLORS)
    return np.asarray(COLORS, np.uint8)[numbers].repeat(8, axis=0).repeat(8, axis=1)


def half_of(path: Path, images: Sequence[Image] | None = None) -> onnx.ModelProto:
    return to_half(onnx.load(str(path)), images or [picture()])


def test_every_type_is_half(tmp_path: Path) -> None:
    half = half_of(write_residual_model(tmp_path / 'model.onnx'))
    typed = onnx.shape_inference.infer_shapes(half, check_type=True, strict_mode=True).graph
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in [*typed.value_info, *typed.output, *typed.input]
    }
    assert types.pop('image') == TensorProto.UINT8
    assert len(types) == 9
    assert set(types.values()) == {TensorProto.FLOAT16}
    assert [node.op_type for node in half.graph.node].count('Cast') == 1
    constants = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert constants.pop('sides') == TensorProto.INT64
    assert set(constants.values()) == {TensorProto.FLOAT16}


def test_labels_stay(tmp_path: Path) -> None:
    path = write_residual_model(tmp_path / 'model.onnx')
    draft = tmp_path / 'half.onnx'
    onnx.save(half_of(path), str(draft))
    assert read_contract(draft) == read_contract(path)
    with create_runner('onnxruntime', path) as before, create_runner('onnxruntime', draft) as after:
        images = picture()[np.newaxis]
        expected, found = before.logits(images), after.logits(images)
        np.testing.assert_allclose(found, expected, atol=0.002 * np.abs(expected).max())
        np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
        assert set(np.unique(found.argmax(axis=1))) == set(range(19))


def test_the_original_is_untouched(tmp_path: Path) -> None:
    model = onnx.load(str(write_tiny_model(tmp_path / 'model.onnx')))
    before = model.SerializeToString()
    to_half(model, [picture()])
    assert model.SerializeToString() == before


def test_an_activation_that_overflows_is_refused(tmp_path: Path) -> None:
    """Running the FP16 file on a CPU would not show it: the classifier undoes the factor."""
    path = write_residual_model(tmp_path / 'model.onnx', scale=400)
    with pytest.raises(ValueError, match=r'within FP16 .* in 3 tensors: stem \(102000\), '):
        half_of(path)
    half_of(path, [np.full((64, 128, 3), 90, np.uint8)])


def test_a_constant_that_overflows_is_refused(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', sharpness=1)
    with pytest.raises(ValueError, match=r'constants within FP16 \(±65504\), got .* in bias'):
        half_of(path)


def test_no_number_is_refused(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', offset=float('nan'))
    with pytest.raises(ValueError, match='got nan in bias'):
        half_of(path)


def test_scales_of_a_resize_stay_wide(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    model = onnx.load(str(path))
    model.graph.node[-1].input[0] = 'resized'
    resize = helper.make_node('Resize', ['cells', '', 'factors'], ['resized'], mode='nearest')
    model.graph.node.insert(3, resize)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float32), 'factors'))
    half = to_half(model, [picture()])
    types = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert types == {
        'weight': TensorProto.FLOAT16,
        'bias': TensorProto.FLOAT16,
        'factors': TensorProto.FLOAT,
    }


def test_a_constant_node_is_typed(tmp_path: Path) -> None:
    model = onnx.load(str(write_tiny_model(tmp_path / 'model.onnx')))
    bias = model.graph.initializer.pop()
    constant = helper.make_node('Constant', [], ['bias'], value=bias)
    model.graph.node.insert(0, constant)
    half = to_half(model, [picture()])
    assert half.graph.node[0].attribute[0].t.data_type == TensorProto.FLOAT16


def test_half_of_a_half_is_refused(tmp_path: Path) -> None:
    half = half_of(write_tiny_model(tmp_path / 'model.onnx'))
    with pytest.raises(ValueError, match='expected an FP32 model, got one whose logits are not'):
        to_half(half, [picture()])
