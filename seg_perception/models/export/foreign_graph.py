"""Graphs of foreign networks: finding their ends and putting the contract's around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from seg_perception.core.contract import INPUT, OUTPUT, ModelContract, TensorInfo
from seg_perception.models.export.onnx_safety import STANDARD, nodes_of

Layout = Literal['nchw', 'nhwc']

_FLOATS = {TensorProto.FLOAT: 'float32', TensorProto.FLOAT16: 'float16'}
_OLDEST_OPSET = 11
# Operators that hand values on as they are, but for their place.
_PASSING = frozenset({'Cast', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze'})
_SCALING = frozenset({'Resize', 'Upsample'})


@dataclass(frozen=True)
class Entry:
    """The input of a network: a float picture. A side that the file leaves open is None."""

    name: str
    dtype: str
    layout: Layout
    batch: int | None
    height: int | None
    width: int | None

    @property
    def channel_axis(self) -> int:
        """The axis of the three channels."""
        return 1 if self.layout == 'nchw' else 3


def find_opset(model: Any) -> int:
    """Return the version of the operator set.

    :raises ValueError: when it is too old, or there is not exactly one.
    """
    versions = [entry.version for entry in model.opset_import if entry.domain in STANDARD]
    if len(versions) != 1 or versions[0] < _OLDEST_OPSET:
        raise ValueError(
            f'expected one operator set of {_OLDEST_OPSET} or newer, got {versions}; export the '
            'network again, best with opset 17'
        )
    return int(versions[0])


def find_entry(model: Any, layout: Layout | None = None) -> Entry:
    """Return the input that takes the picture.

    :raises ValueError: when there is not exactly one such, or its layout cannot be told.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise ValueError(f'input: expected one, a picture, got {_listed(inputs)}')
    info = _info(inputs[0])
    if info.dtype not in _FLOATS.values() or len(info.shape) != 4:
        raise ValueError(
            f'input: expected float32 [N, 3, H, W] or [N, H, W, 3], got {info}; export the network '
            'without what comes before its first layer'
        )
    sides = [side if isinstance(side, int) and side > 0 else None for side in info.shape]
    first, last = sides[1] == 3, sides[3] == 3
    if layout is None and first == last:
        raise ValueError(
            f'input: expected 3 channels on the second or the last axis, got {info}; say which by '
            '--layout, or export the network for three'
        )
    layout = layout or ('nchw' if first else 'nhwc')
    order = (0, 1, 2, 3) if layout == 'nchw' else (0, 3, 1, 2)
    batch, channels, height, width = (sides[axis] for axis in order)
    if channels not in (3, None):
        raise ValueError(f'input: expected 3 channels as {layout} has them, got {info}')
    return Entry(info.name, info.dtype, layout, batch, height, width)


def find_logits(model: Any, name: str = '') -> str:
    """Return the tensor that holds the logits: the one output, or the tensor of that name.

    :raises ValueError: when there are several outputs and no name, no such tensor, or when it
        holds labels or probabilities.
    """
    makers = {made: node for node in model.graph.node for made in node.output}
    outputs = [value.name for value in model.graph.output]
    if name and name not in makers:
        raise ValueError(
            f'output: the graph has no tensor {name!r}; outputs are {_listed(model.graph.output)}'
        )
    if not name and len(outputs) != 1:
        raise ValueError(
            f'output: expected one, got {_listed(model.graph.output)}; say which has the logits by '
            '--logits'
        )
    logits = name or outputs[0]
    last = _behind(logits, makers, _PASSING)
    if last is not None and last.op_type == 'ArgMax':
        raise ValueError(
            f'output: expected logits, got labels (ArgMax) in {logits!r}; take the tensor before '
            f'by --logits {last.input[0]}'
        )
    last = _behind(logits, makers, _PASSING | _SCALING)
    if last is not None and last.op_type in ('Softmax', 'Sigmoid', 'HardSigmoid'):
        raise ValueError(
            f'output: expected logits, got probabilities ({last.op_type}) in {logits!r}; take the '
            f'tensor before by --logits {last.input[0]}'
        )
    return logits


def with_output(model: Any, name: str) -> Any:
    """Return a copy of a model whose only output is one of its tensors."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {value.name: value for value in (*copy.graph.output, *copy.graph.value_info)}
    output = known.get(name) or onnx.ValueInfoProto(name=name)
    kept = _nodes_for(copy.graph, name)
    del copy.graph.node[:], copy.graph.output[:]
    copy.graph.node.extend(kept)
    copy.graph.output.append(output)
    used = {needed for node in nodes_of(copy.graph) for needed in node.input} | {name}
    weights = [tensor for tensor in copy.graph.initializer if tensor.name in used]
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(weights)
    return copy


@dataclass(frozen=True)
class Around:
    """What is put around a network.

    `mean` and `std` are those of 0 to 255 values, in the order in which the network takes its
    channels.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bgr: bool
    height: int
    width: int

    def prepare(self, images: npt.NDArray[np.uint8], entry: Entry) -> npt.NDArray[np.floating]:
        """Return what a network takes for RGB images, uint8 [N, H, W, 3]."""
        values = images[..., ::-1] if self.bgr else images
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        ready = (values.astype(np.float32) - mean) / std
        if entry.layout == 'nchw':
            ready = ready.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(ready.astype(entry.dtype))


def with_size(model: Any, entry: Entry, around: Around) -> Any:
    """Return a copy of a model whose input has its sides fixed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    (value,) = (value for value in copy.graph.input if value.name == entry.name)
    sides = value.type.tensor_type.shape.dim
    first = 2 if entry.layout == 'nchw' else 1
    sides[first].dim_value, sides[first + 1].dim_value = around.height, around.width
    # What was inferred of an open size does not hold for this one.
    del copy.graph.value_info[:]
    return copy


def put_around(
    model: Any, entry: Entry, around: Around, contract: ModelContract, made: npt.NDArray[Any]
) -> Any:
    """Return a model of one output with the contract's ends: uint8 RGB in, `logits` out.

    Cast comes first, as TensorRT demands of uint8 inputs, then layout, order and normalisation.

    :param contract: of the file that is made.
    :param made: the logits of a picture as the model makes them, [1, C, h, w] or [1, h, w, C].
    """
    inner = onnx.compose.add_prefix(model, 'net/')
    first, weights = _before(f'net/{entry.name}', entry, around)
    last = f'net/{model.graph.output[0].name}'
    batch = 'N' if contract.batch is None else contract.batch
    columns, rows = contract.logits_size
    ends = [batch, len(contract.labels), rows, columns]
    after = helper.make_node('Identity', [last], [OUTPUT])
    if list(made.shape[1:]) != ends[1:]:
        after = helper.make_node('Transpose', [last], [OUTPUT], perm=[0, 3, 1, 2])
    image = [batch, contract.height, contract.width, 3]
    dtype = helper.np_dtype_to_tensor_dtype(made.dtype)
    graph = helper.make_graph(
        [*first, *inner.graph.node, after],
        'wrapped',
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, image)],
        [helper.make_tensor_value_info(OUTPUT, dtype, ends)],
        [*weights, *inner.graph.initializer],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid('', find_opset(model))],
        ir_version=max(model.ir_version, 4),
        producer_name='seg_perception',
    )


def _before(name: str, entry: Entry, around: Around) -> tuple[list[Any], list[Any]]:
    """Return the nodes that turn the picture into the tensor `name`, and their constants."""
    steps: list[tuple[str, list[str], dict[str, Any]]] = []
    weights: list[Any] = []

    def constant(key: str, values: Sequence[float], dtype: type) -> str:
        array: npt.NDArray[Any] = np.array(values, dtype)
        if dtype is np.float32:
            array = array.reshape((1, 3, 1, 1) if entry.layout == 'nchw' else (1, 1, 1, 3))
        weights.append(numpy_helper.from_array(array, key))
        return key

    steps.append(('Cast', [], {'to': TensorProto.FLOAT}))
    if entry.layout == 'nchw':
        steps.append(('Transpose', [], {'perm': [0, 3, 1, 2]}))
    if around.bgr:
        order = constant('prepare/order', [2, 1, 0], np.int64)
        steps.append(('Gather', [order], {'axis': entry.channel_axis}))
    if any(around.mean):
        steps.append(('Sub', [constant('prepare/mean', around.mean, np.float32)], {}))
    if around.std != (1, 1, 1):
        steps.append(('Div', [constant('prepare/std', around.std, np.float32)], {}))
    if entry.dtype == 'float16':
        steps.append(('Cast', [], {'to': TensorProto.FLOAT16}))
    names = [INPUT, *(f'prepare/{i}' for i in range(1, len(steps))), name]
    nodes = [
        helper.make_node(operator, [names[i], *others], [names[i + 1]], **attributes)
        for i, (operator, others, attributes) in enumerate(steps)
    ]
    return nodes, weights


def _behind(name: str, makers: dict[str, Any], passing: frozenset[str]) -> Any | None:
    """Return the node that made a tensor's values, behind those that pass them on."""
    node = makers.get(name)
    while node is not None and node.op_type in passing:
        node = makers.get(node.input[0])
    return node


def _nodes_for(graph: Any, name: str) -> list[Any]:
    """Return the nodes that a tensor needs, in their order."""
    wanted, kept = {name}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            kept.append(node)
            within = onnx.GraphProto(node=[node])
            wanted.update(needed for part in nodes_of(within) for needed in part.input)
    return kept[::-1]


def _info(value: Any) -> TensorInfo:
    tensor = value.type.tensor_type
    shape = tuple(side.dim_value or side.dim_param or None for side in tensor.shape.dim)
    dtype = TensorProto.DataType.Name(tensor.elem_type).lower()
    return TensorInfo(value.name, _FLOATS.get(tensor.elem_type, dtype), shape)


def _listed(values: Sequence[Any]) -> str:
    return ', '.join(str(_info(value)) for value in values) or 'none'
