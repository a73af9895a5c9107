"""Tiny contract models for tests: the label of a pixel is the class whose colour it is nearest to.

The nearest of some colours c to a pixel x is the one with the largest 2 x·c - |c|², which is a 1x1
convolution: real inference, and every label known by hand. A pixel of a class's own colour gets it
with confidence 1, a pixel half-way between two classes' colours gets half of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from seg_perception.core.contract import INPUT, OUTPUT, Accuracy, ModelContract
from seg_perception.core.labels import Label, load_label_set


def tiny_contract(
    *,
    width: int = 128,
    height: int = 64,
    batch: int | None = None,
    stride: int = 8,
    align_corners: bool = False,
    labels: Sequence[Label] | None = None,
    label_stride: int = 1,
) -> ModelContract:
    """Return what a tiny model says of itself; Cityscapes' 19 classes unless `labels` are given."""
    return ModelContract(
        name='tiny_nearest_color',
        architecture='nearest colour, 1x1 convolution',
        label_set='cityscapes' if labels is None else 'test',
        labels=load_label_set('cityscapes').labels if labels is None else tuple(labels),
        width=width,
        height=height,
        batch=batch,
        stride=stride,
        align_corners=align_corners,
        trained_on='nothing: its weights are the colours',
        weights_license='Apache-2.0',
        data_license='none',
        source_url='',
        source_sha256='',
        accuracy=(Accuracy(miou=1.0, dataset='its own colours', command='pytest'),),
        date='2026-11-22',
        configuration={'colors': 'of the labels'},
        label_stride=label_stride,
    )


def write_tiny_model(
    path: Path,
    contract: ModelContract | None = None,
    *,
    sharpness: float = 0.02,
    offset: float = 0.0,
    metadata: Mapping[str, str | None] | None = None,
    input_name: str = INPUT,
    output_name: str = OUTPUT,
    input_type: int = TensorProto.UINT8,
    channels_first: bool = False,
    classes: int | None = None,
    extra_output: bool = False,
) -> Path:
    """Write a tiny model that keeps `contract`, or breaks it as the other arguments say.

    :param sharpness: factor on the logits; smaller values make a less confident model.
    :param offset: added to every logit; NaN makes a model whose results must be refused.
    :param metadata: entries that replace the contract's; None leaves one out.
    :param classes: how many logits there are, when not as many as labels.
    """
    contract = contract or tiny_contract()
    batch = 'N' if contract.batch is None else contract.batch
    columns, rows = contract.logits_size
    count = len(contract.labels) if classes is None else classes
    sides = (contract.height, contract.width)
    weight, bias = _weights(contract, sharpness)
    weight, bias = np.resize(weight, (count, 3)), np.resize(bias, count) + np.float32(offset)
    nodes = [helper.make_node('Cast', [input_name], ['float'], to=TensorProto.FLOAT)]
    if channels_first:
        nodes.append(helper.make_node('Identity', ['float'], ['planes']))
    else:
        nodes.append(helper.make_node('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]))
    stride = [contract.stride] * 2
    nodes += [
        helper.make_node('AveragePool', ['planes'], ['cells'], kernel_shape=stride, strides=stride),
        helper.make_node('Conv', ['cells', 'weight', 'bias'], [output_name]),
    ]
    shape = (batch, 3, *sides) if channels_first else (batch, *sides, 3)
    outputs = [(output_name, (batch, count, rows, columns))]
    if extra_output:
        outputs.append(('cells', (batch, 3, rows, columns)))
    graph = helper.make_graph(
        nodes,
        'tiny',
        [helper.make_tensor_value_info(input_name, input_type, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, side) for name, side in outputs],
        [
            numpy_helper.from_array(weight.reshape(count, 3, 1, 1), 'weight'),
            numpy_helper.from_array(bias, 'bias'),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    entries = {**contract.to_metadata(), **(metadata or {})}
    helper.set_model_props(model, {key: text for key, text in entries.items() if text is not None})
    onnx.save(model, path)
    return path


def tiny_logits(
    contract: ModelContract, images: npt.NDArray[np.uint8], sharpness: float = 0.02
) -> npt.NDArray[np.float64]:
    """Return the logits [N, C, h, w] of images [N, H, W, 3] RGB, computed without the model."""
    (columns, rows), stride = contract.logits_size, contract.stride
    cells = images.reshape(-1, rows, stride, columns, stride, 3).mean(axis=(2, 4))
    weight, bias = _weights(contract, sharpness)
    logits: npt.NDArray[np.float64] = np.einsum('nhwk,ck->nchw', cells, weight)
    return logits + bias.reshape(-1, 1, 1)


def _weights(
    contract: ModelContract, sharpness: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    colors = np.array([label.color for label in contract.labels], np.float64)
    weight = 2 * sharpness * colors
    bias = -sharpness * (colors**2).sum(axis=1)
    return weight.astype(np.float32), bias.astype(np.float32)
