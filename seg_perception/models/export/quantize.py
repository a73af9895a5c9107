"""INT8 by pairs of QuantizeLinear and DequantizeLinear, in the form that TensorRT takes.

Symmetric, zero points 0, weights by output channel, biases in float. Each convolution reads
quantised activations and weights, so that TensorRT runs it, its activation and the addition behind
it as one INT8 kernel. Of an addition's inputs the one straight from a convolution stays as it is:
it never leaves that kernel. The rules are NVIDIA's ("TensorRT: Q/DQ layer-placement
recommendations").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from seg_perception.core.contract import OUTPUT
from seg_perception.models.dataset import Image
from seg_perception.models.export.calibration import LEVELS, calibrate

_KEEPS_INT8 = {'Add', 'Clip', 'MaxPool', 'Relu'}
_OPSET = 13
_FEWEST_PLACES = 64
"""Convolutions over fewer places, those of the pooled cells, gain nothing and stay in float."""


def quantize(model: onnx.ModelProto, images: Iterable[Image]) -> onnx.ModelProto:
    """Return a model whose convolutions compute in INT8, but for the last, which tells the labels.

    :param images: RGB, uint8 [H, W, 3] at the network's size: frames as the model will see them.
    :raises ValueError: when there is nothing to quantise, the ONNX opset is older than 13, or there
        is no image.
    """
    opset = max(entry.version for entry in model.opset_import if not entry.domain)
    if opset < _OPSET:
        raise ValueError(
            f'expected ONNX opset {_OPSET} or newer, which has scales by channel, got {opset}; '
            'export the model again'
        )
    model = fold_padding(model)
    convolutions = _convolutions(model)
    if not convolutions:
        raise ValueError('expected convolutions to quantise beside the last, got none')
    tensors = _activations(model, convolutions)
    return _insert_pairs(model, convolutions, calibrate(model, tensors, images))


def fold_padding(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model where convolutions pad by themselves what a Pad before them did: exact.

    A Pad between an activation and a convolution would keep both from being one INT8 kernel.
    """
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    constants = {value.name: value for value in folded.graph.initializer}
    readers = _readers(folded)
    outputs = {value.name for value in folded.graph.output}
    for pad in [node for node in folded.graph.node if node.op_type == 'Pad']:
        convolutions = readers.get(pad.output[0], [])
        sides = _zero_padding(pad, constants)
        if sides is None or pad.output[0] in outputs or not all(map(_pads_by_sides, convolutions)):
            continue
        for node in convolutions:
            attributes = {entry.name: entry for entry in node.attribute}
            own = list(attributes['pads'].ints) if 'pads' in attributes else [0] * len(sides)
            total = [one + other for one, other in zip(sides, own, strict=True)]
            kept = [entry for entry in node.attribute if entry.name not in ('pads', 'auto_pad')]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute('pads', total)])
            node.input[0] = pad.input[0]
        folded.graph.node.remove(pad)
    return folded


def _pads_by_sides(node: onnx.NodeProto) -> bool:
    automatic = [entry.s for entry in node.attribute if entry.name == 'auto_pad']
    return node.op_type == 'Conv' and automatic in ([], [b'NOTSET'])


def _zero_padding(
    pad: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]
) -> list[int] | None:
    """Return what a Pad adds to the sides of a picture; None when it does anything else."""
    modes = [entry.s for entry in pad.attribute if entry.name == 'mode']
    if len(pad.input) < 2 or pad.input[1] not in constants or modes not in ([], [b'constant']):
        return None
    if len(pad.input) > 2 and pad.input[2]:
        value = constants.get(pad.input[2])
        if value is None or numpy_helper.to_array(value).any():
            return None
    if len(pad.input) > 3 and pad.input[3]:
        return None
    amounts = [int(amount) for amount in numpy_helper.to_array(constants[pad.input[1]])]
    near, far = amounts[: len(amounts) // 2], amounts[len(amounts) // 2 :]
    if any(near[:2]) or any(far[:2]) or min(amounts) < 0:
        return None
    return near[2:] + far[2:]


def _convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the convolutions to quantise."""
    shapes = _shapes(model)
    constants = {value.name for value in model.graph.initializer}
    head = _head(model)
    return [
        node
        for node in model.graph.node
        if node.op_type == 'Conv'
        and node.input[0] not in constants
        and node.input[1] in constants
        and node.output[0] not in head
        and int(np.prod(shapes.get(node.output[0], [_FEWEST_PLACES])[2:])) >= _FEWEST_PLACES
    ]


def _head(model: onnx.ModelProto) -> set[str]:
    """Return the tensors between the last convolution, its result included, and the output."""
    head, waiting = set(), [OUTPUT]
    writers = {name: node for node in model.graph.node for name in node.output}
    while waiting:
        name = waiting.pop()
        if name in head or name not in writers:
            continue
        head.add(name)
        if writers[name].op_type != 'Conv':
            waiting.extend(writers[name].input)
    return head


def _activations(model: onnx.ModelProto, convolutions: list[onnx.NodeProto]) -> list[str]:
    """Return the tensors to quantise: what convolutions read, and the shortcuts around them."""
    names = dict.fromkeys(node.input[0] for node in convolutions)
    results = {node.output[0]: index for index, node in enumerate(convolutions)}
    writers = {name: node for node in model.graph.node for name in node.output}

    def is_quantized(name: str) -> bool:
        writer = writers.get(name)
        if writer is None or writer.op_type not in _KEEPS_INT8:
            return name in results
        return all(is_quantized(each) for each in writer.input if each in writers)

    for node in model.graph.node:
        if node.op_type == 'Add' and all(is_quantized(name) for name in node.input):
            fused = max(node.input, key=lambda name: results.get(name, -1))
            names.update(dict.fromkeys(name for name in node.input if name != fused))
    return list(names)


def _insert_pairs(
    model: onnx.ModelProto, convolutions: list[onnx.NodeProto], limits: Mapping[str, float]
) -> onnx.ModelProto:
    result = onnx.ModelProto()
    result.CopyFrom(model)
    weights = {node.input[1] for node in convolutions}
    chosen = {node.output[0] for node in convolutions}
    constants = {value.name: value for value in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    added: list[onnx.TensorProto] = []

    def constant(name: str, value: npt.NDArray[np.generic]) -> str:
        added.append(numpy_helper.from_array(value, name))
        return name

    for name in sorted(weights):
        values = np.asarray(numpy_helper.to_array(constants[name]), np.float32)
        scale = np.abs(values).reshape(len(values), -1).max(axis=1) / LEVELS
        scale[scale == 0] = 1
        by_channel = scale.reshape(-1, *[1] * (values.ndim - 1))
        inputs = [
            constant(f'{name}_quantized', np.rint(values / by_channel).astype(np.int8)),
            constant(f'{name}_scale', scale.astype(np.float32)),
            constant(f'{name}_zero', np.zeros(len(values), np.int8)),
        ]
        nodes.append(helper.make_node('DequantizeLinear', inputs, [f'{name}_dequantized'], axis=0))
    for node in result.graph.node:
        if node.op_type == 'Conv' and node.output[0] in chosen:
            node.input[1] = f'{node.input[1]}_dequantized'
        for index, name in enumerate(node.input):
            if name in limits:
                node.input[index] = f'{name}_dequantized'
        nodes.append(node)
        for name in node.output:
            if name in limits:
                step = [
                    constant(f'{name}_scale', np.array(limits[name] / LEVELS, np.float32)),
                    constant(f'{name}_zero', np.array(0, np.int8)),
                ]
                middle = f'{name}_quantized'
                nodes.append(helper.make_node('QuantizeLinear', [name, *step], [middle]))
                nodes.append(
                    helper.make_node('DequantizeLinear', [middle, *step], [f'{name}_dequantized'])
                )
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [value for value in model.graph.initializer if value.name in read]
    del result.graph.initializer[:]
    result.graph.initializer.extend([*kept, *added])
    return result


def _readers(model: onnx.ModelProto) -> dict[str, list[onnx.NodeProto]]:
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    """Return the inferred shapes; a dynamic side counts as 0."""
    inferred = onnx.shape_inference.infer_shapes(model)
    return {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in [*inferred.graph.value_info, *inferred.graph.output]
    }
