"""INT8: the form that TensorRT takes, and numbers that are what INT8 arithmetic makes of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from seg_perception.inference.choice import create_runner
from seg_perception.inference.onnxruntime import open_graph
from seg_perception.models.dataset import Image
from seg_perception.models.export.quantize import fold_padding, quantize
from test.models.export.residual_model import write_residual_model
from test.models.export.test_precision import picture
from test.tiny_model import tiny_contract, write_tiny_model


@pytest.fixture(scope='module')
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_residual_model(tmp_path_factory.mktemp('quantize') / 'model.onnx')


@pytest.fixture(scope='module')
def quantized(original: Path) -> onnx.ModelProto:
    return quantize(onnx.load(str(original)), [picture()])


def constants_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_the_form_is_tensorrts(quantized: onnx.ModelProto) -> None:
    onnx.checker.check_model(quantized, full_check=True)
    nodes, constants = list(quantized.graph.node), constants_of(quantized)
    writers = {name: node for node in nodes for name in node.output}
    first_reader = next(node for node in nodes if 'image' in node.input)
    assert first_reader.op_type == 'Cast'
    for node in nodes:
        if node.op_type in ('QuantizeLinear', 'DequantizeLinear'):
            scale, zero = (constants[name] for name in node.input[1:])
            assert zero.dtype == np.int8
            assert not zero.any()
            assert (scale > 0).all()
            # Activations by tensor, weights by output channel.
            assert scale.ndim == (1 if node.input[0] in constants else 0)
    biases = [node.input[2] for node in nodes if node.op_type == 'Conv' and len(node.input) > 2]
    assert len(biases) == 2
    assert {constants[name].dtype for name in biases} == {np.dtype(np.float32)}
    assert TensorProto.INT32 not in {tensor.data_type for tensor in quantized.graph.initializer}
    *inner, head = [node for node in nodes if node.op_type == 'Conv']
    for node in inner:
        assert [writers[name].op_type for name in node.input[:2]] == ['DequantizeLinear'] * 2
        assert constants[writers[node.input[1]].input[0]].dtype == np.int8
    assert constants[head.input[1]].dtype == np.float32
    assert head.input[0] == 'sum'


def test_the_shortcut_of_an_addition_is_quantized(quantized: onnx.ModelProto) -> None:
    """And not its other side, which TensorRT adds in the convolution's own registers."""
    writers = {name: node for node in quantized.graph.node for name in node.output}
    (add,) = [node for node in quantized.graph.node if node.op_type == 'Add']
    assert [writers[name].op_type for name in add.input] == ['DequantizeLinear', 'Conv']
    kinds = Counter(node.op_type for node in quantized.graph.node)
    assert kinds['QuantizeLinear'] == 2
    assert kinds['DequantizeLinear'] == 4
    assert kinds['Pad'] == 0


def test_weights_use_all_levels_of_their_channel(quantized: onnx.ModelProto) -> None:
    constants = constants_of(quantized)
    np.testing.assert_array_equal(
        constants['gains_quantized'].reshape(3, 3), np.diag([127, 127, 127])
    )
    np.testing.assert_allclose(constants['gains_scale'], np.array([0.5, 0.25, 0.125]) / 127)
    assert {'gains', 'center', 'sides'}.isdisjoint(constants)


def test_numbers_are_those_of_int8(quantized: onnx.ModelProto) -> None:
    image = picture()
    constants = constants_of(quantized)
    cells = image.reshape(8, 8, 16, 8, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    step, next_step = float(constants['cells_scale']), float(constants['positive_scale'])
    positive = np.clip(np.rint(cells / step), -127, 127) * step
    shortcut = np.clip(np.rint(positive / next_step), -127, 127) * next_step
    expected = shortcut * np.array([1.5, 1.25, 1.125]).reshape(3, 1, 1)
    watched = onnx.ModelProto()
    watched.CopyFrom(quantized)
    watched.graph.output[0].CopyFrom(onnx.ValueInfoProto(name='sum'))
    found = open_graph(watched.SerializeToString())({'image': image[np.newaxis]})['sum'][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Two roundings to 127 levels of at most 255, and no more.
    exact = cells * np.array([1.5, 1.25, 1.125]).reshape(3, 1, 1)
    assert 0 < np.abs(found - exact).max() < 1.5 * 255 / 127


def test_labels_stay(original: Path, quantized: onnx.ModelProto, tmp_path: Path) -> None:
    path = tmp_path / 'int8.onnx'
    onnx.save(quantized, str(path))
    images = picture()[np.newaxis]
    with create_runner('onnxruntime', original) as one, create_runner('onnxruntime', path) as other:
        expected, found = one.logits(images).argmax(axis=1), other.logits(images).argmax(axis=1)
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(found)) == set(range(19))


def test_large_sums_do_not_saturate() -> None:
    """Products of two signed factors in pairs exceed 16 bits, where a CPU without VNNI would stop.

    The number is exact: 64 channels of 100 x 100, all of them multiples of their scale.
    """
    image = helper.make_tensor_value_info('image', TensorProto.UINT8, [1, 16, 16, 64])
    logits = helper.make_tensor_value_info('logits', TensorProto.FLOAT, [1, 4, 16, 16])
    nodes = [
        helper.make_node('Cast', ['image'], ['float'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]),
        helper.make_node('Conv', ['planes', 'weight'], ['sums']),
        helper.make_node('Conv', ['sums', 'unit'], ['logits']),
    ]
    weight = np.full((4, 64, 1, 1), 100, np.float32)
    constants = [
        numpy_helper.from_array(weight, 'weight'),
        numpy_helper.from_array(np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1), 'unit'),
    ]
    graph = helper.make_graph(nodes, 'sums', [image], [logits], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    pixels = np.full((16, 16, 64), 100, np.uint8)
    run = open_graph(quantize(model, [pixels]).SerializeToString())
    np.testing.assert_allclose(run({'image': pixels[np.newaxis]})['logits'], 640_000, rtol=0.01)


def test_pooled_cells_stay_in_float(tmp_path: Path) -> None:
    """Where a convolution has but few places; here all but the last have 6 x 6."""
    contract = tiny_contract(width=48, height=48)
    model = onnx.load(str(write_residual_model(tmp_path / 'small.onnx', contract)))
    with pytest.raises(ValueError, match='expected convolutions to quantise beside the last'):
        quantize(model, [np.zeros((48, 48, 3), np.uint8)])


def test_the_classifier_stays_in_float(tmp_path: Path) -> None:
    model = onnx.load(str(write_tiny_model(tmp_path / 'tiny.onnx')))
    with pytest.raises(ValueError, match='got none'):
        quantize(model, [picture()])


def padded_model(**changes: object) -> onnx.ModelProto:
    """Return Pad and Conv over [1, 2, 5, 6]; the convolution pads by itself, too."""
    mode = str(changes.get('mode', 'constant'))
    value = np.array(changes.get('value', 0), np.float32)
    sides = np.array(changes.get('sides', [0, 0, 1, 0, 0, 0, 2, 3]))
    same = 'same' in changes
    padding = {'auto_pad': 'SAME_UPPER'} if same else {'pads': [1, 0, 1, 0], 'auto_pad': 'NOTSET'}
    outputs = ['y', 'padded'] if changes.get('read_elsewhere') else ['y']
    weight = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node('Pad', ['x', 'sides', 'value'], ['padded'], mode=mode),
            helper.make_node('Conv', ['padded', 'weight'], ['y'], **padding),
        ],
        'padded',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [1, 2, 5, 6])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(sides, 'sides'),
            numpy_helper.from_array(value, 'value'),
            numpy_helper.from_array(weight, 'weight'),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def run_padded(model: onnx.ModelProto) -> np.ndarray:
    x = np.random.default_rng(1).normal(size=(1, 2, 5, 6)).astype(np.float32)
    return np.asarray(open_graph(model.SerializeToString())({'x': x})['y'])


def test_padding_moves_into_the_convolution() -> None:
    model = padded_model()
    folded = fold_padding(model)
    (convolution,) = folded.graph.node
    assert {entry.name: list(entry.ints) for entry in convolution.attribute} == {
        'pads': [2, 0, 3, 3]
    }
    assert len(model.graph.node) == 2
    np.testing.assert_array_equal(run_padded(folded), run_padded(model))


@pytest.mark.parametrize(
    'changes',
    [
        {'mode': 'reflect'},
        {'value': 1.0},
        {'sides': [0, 1, 1, 0, 0, -1, 2, 3]},
        {'sides': [0, 0, 1, 0, 0, 0, -1, 3]},
        {'read_elsewhere': True},
        {'same': True},
    ],
)
def test_other_padding_stays(changes: dict[str, object]) -> None:
    assert [node.op_type for node in fold_padding(padded_model(**changes)).graph.node] == [
        'Pad',
        'Conv',
    ]


def test_images_must_be_there(original: Path) -> None:
    images: list[Image] = []
    with pytest.raises(ValueError, match='calibrating: expected pictures, got none'):
        quantize(onnx.load(str(original)), images)


def test_an_old_opset_is_refused(original: Path) -> None:
    model = onnx.load(str(original))
    model.opset_import[0].version = 11
    with pytest.raises(ValueError, match=r'expected ONNX opset 13 or newer, .* got 11'):
        quantize(model, [picture()])
