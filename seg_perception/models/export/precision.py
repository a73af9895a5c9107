"""FP16: every number of a contract model's graph in half precision, from the Cast to the logits.

The types stand in the file, as TensorRT's strongly typed networks want it: no node mixes two. The
logits are FP16, too: what computed them has no more digits, so wider ones would only be longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from seg_perception.models.dataset import Image
from seg_perception.models.export.calibration import peaks

LARGEST = float(np.finfo(np.float16).max)

# Inputs whose type the operator fixes at FP32: {operator: index}.
_STAYS_WIDE = {'Resize': 2, 'Upsample': 1}


def to_half(model: onnx.ModelProto, images: Iterable[Image]) -> onnx.ModelProto:
    """Return a contract model typed FP16.

    A CPU computes FP16 graphs in FP32 between many of their nodes, so that running one there would
    not show what overflows on a GPU. The FP32 original is looked at instead.

    :param images: RGB, uint8 [H, W, 3] at the network's size, on which no value may overflow.
    :raises ValueError: when a constant or an activation is beyond FP16 or not a number, when the
        model is not FP32, or has nodes that cannot be typed FP16.
    """
    half = _retyped(model)
    largest = peaks(model, images)
    beyond = [f'{name} ({peak:g})' for name, peak in largest.items() if not peak <= LARGEST]
    if beyond:
        raise ValueError(
            f'expected activations within FP16 (±{LARGEST:g}), got beyond it in {len(beyond)} '
            f'tensors: {", ".join(beyond[:3])}; keep this model in FP32 or scale its weights'
        )
    return half


def _retyped(model: onnx.ModelProto) -> onnx.ModelProto:
    half = onnx.ModelProto()
    half.CopyFrom(model)
    graph = half.graph
    wide = {
        node.input[index]
        for node in graph.node
        for index in [_STAYS_WIDE.get(node.op_type, len(node.input))]
        if index < len(node.input)
    }
    for tensor in _constants(graph, wide):
        tensor.CopyFrom(_half(tensor))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                raise ValueError(f'{node.name}: expected no {node.op_type}, which FP16 leaves out')
            if attribute.name == 'to' and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
    del graph.value_info[:]
    for output in graph.output:
        if output.type.tensor_type.elem_type != TensorProto.FLOAT:
            raise ValueError(f'expected an FP32 model, got one whose {output.name} are not')
        output.type.tensor_type.elem_type = TensorProto.FLOAT16
    try:
        onnx.checker.check_model(half, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(f'expected nodes that can be typed FP16, got: {reason}') from error
    return half


def _constants(graph: onnx.GraphProto, wide: set[str]) -> Iterator[TensorProto]:
    """Yield the FP32 constants but those whose readers want FP32."""
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in wide:
            yield tensor
    for node in graph.node:
        for attribute in node.attribute:
            tensor = attribute.t
            if tensor.data_type == TensorProto.FLOAT and wide.isdisjoint(node.output):
                yield tensor


def _half(tensor: TensorProto) -> TensorProto:
    values = np.asarray(numpy_helper.to_array(tensor), np.float32)
    if not np.abs(values).max(initial=0) <= LARGEST:
        raise ValueError(
            f'expected constants within FP16 (±{LARGEST:g}), got {np.abs(values).max():g} in '
            f'{tensor.name or "a constant"}; keep this model in FP32'
        )
    return numpy_helper.from_array(values.astype(np.float16), tensor.name)
