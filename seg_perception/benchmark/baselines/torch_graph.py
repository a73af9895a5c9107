"""A contract file's network in torch, operator by operator, with the file's own weights.

So torch computes what the others do and labels can be compared. The file's batch normalisation is
folded already, which spares torch work that the network as trained would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.core.contract import INPUT, OUTPUT
from seg_perception.inference.base import ModelError

Attributes = Mapping[str, Any]

# From uint8 to the type of the network, which may be another than the file's.
_CAST = 'Cast'


class TorchGraph(nn.Module):
    """Runs the graph of a contract file: uint8 [N, H, W, 3] RGB in, logits [N, C, h, w] out.

    `half()` makes it FP16.

    :raises ModelError: when an operator is none that networks of this package have.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(str(path)).graph
        self._nodes = [
            (node.op_type, list(node.input), list(node.output), _attributes(node))
            for node in graph.node
        ]
        unknown = sorted({kind for kind, *_ in self._nodes} - {*_OPERATORS, _CAST})
        if unknown:
            raise ModelError(
                f'{path}: expected operators of PSPNets exported by this package, got '
                f'{", ".join(unknown)}; FP32 and FP16 files have no others'
            )
        self._constants = {
            tensor.name: f'_{number}' for number, tensor in enumerate(graph.initializer)
        }
        for tensor in graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            self.register_buffer(self._constants[tensor.name], value)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits."""
        values: dict[str, Any] = {
            name: getattr(self, buffer) for name, buffer in self._constants.items()
        }
        values |= {INPUT: image, '': None}
        float_type = next(
            (value.dtype for value in self.buffers() if value.is_floating_point()), torch.float32
        )
        for kind, inputs, outputs, attributes in self._nodes:
            if kind == _CAST:
                values[outputs[0]] = values[inputs[0]].to(float_type)
            else:
                operator = _OPERATORS[kind]
                values[outputs[0]] = operator(attributes, *(values[name] for name in inputs))
        logits: Tensor = values[OUTPUT]
        return logits


def _attributes(node: Any) -> Attributes:
    return {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}


def _split_pads(attributes: Attributes) -> tuple[list[int], list[int]]:
    """Return (begin, end) of [height, width]; ONNX lists all beginnings first."""
    pads = list(attributes.get('pads', [0, 0, 0, 0]))
    return pads[:2], pads[2:]


def _padded(attributes: Attributes, x: Tensor, value: float = 0.0) -> tuple[Tensor, list[int]]:
    """Return the input and the padding that is left: torch pads both ends alike."""
    begin, end = _split_pads(attributes)
    if begin == end:
        return x, begin
    return F.pad(x, (begin[1], end[1], begin[0], end[0]), value=value), [0, 0]


def _conv(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    x, padding = _padded(attributes, x)
    return F.conv2d(
        x,
        weight,
        bias,
        attributes.get('strides', 1),
        padding,
        attributes.get('dilations', 1),
        attributes.get('group', 1),
    )


def _conv_transpose(
    attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    begin, end = _split_pads(attributes)
    strides = attributes.get('strides', [1, 1])
    # What ONNX cuts off at the end less than at the beginning, torch adds there.
    extra = [first - last for first, last in zip(begin, end, strict=True)]
    extra = [
        more + given
        for more, given in zip(extra, attributes.get('output_padding', [0, 0]), strict=True)
    ]
    return F.conv_transpose2d(
        x,
        weight,
        bias,
        strides,
        begin,
        extra,
        attributes.get('group', 1),
        attributes.get('dilations', 1),
    )


def _pool(attributes: Attributes, x: Tensor) -> Tensor:
    x, padding = _padded(attributes, x, value=float('-inf'))
    return F.max_pool2d(
        x,
        attributes['kernel_shape'],
        attributes.get('strides'),
        padding,
        attributes.get('dilations', 1),
        bool(attributes.get('ceil_mode', 0)),
    )


def _pad(_: Attributes, x: Tensor, pads: Tensor, value: Tensor | None = None) -> Tensor:
    begin, end = pads.tolist()[: x.ndim], pads.tolist()[x.ndim :]
    pairs = [side for axis in reversed(range(x.ndim)) for side in (begin[axis], end[axis])]
    return F.pad(x, pairs, value=0.0 if value is None else float(value))


def _clip(
    _: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None
) -> Tensor:
    return torch.clamp(x, low, high)


_OPERATORS: Mapping[str, Callable[..., Tensor]] = {
    'Add': lambda _, a, b: a + b,
    'AveragePool': lambda a, x: F.avg_pool2d(x, a['kernel_shape'], a.get('strides')),
    'Clip': _clip,
    'Concat': lambda a, *parts: torch.cat(parts, a['axis']),
    'Conv': _conv,
    'ConvTranspose': _conv_transpose,
    'DepthToSpace': lambda a, x: F.pixel_shuffle(x, a['blocksize']),
    'Div': lambda _, a, b: a / b,
    'MatMul': lambda _, a, b: torch.matmul(a, b),
    'MaxPool': _pool,
    'Pad': _pad,
    'Relu': lambda _, x: F.relu(x),
    'Sub': lambda _, a, b: a - b,
    'Transpose': lambda a, x: x.permute(a['perm']),
}
