"""A contract model that costs next to nothing, so that all the rest can be measured.

The label of a pixel is the class whose colour it is nearest to. The nearest of some colours c to a
pixel x is the one with the largest 2 x·c - |c|²: a 1x1 convolution, here of one pixel in each cell.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from seg_perception.core.contract import INPUT, OUTPUT, Accuracy, ModelContract
from seg_perception.core.labels import load_label_set

_STRIDE = 8
_LABEL_STRIDE = 4
_SHARPNESS = 0.02


def write_null_model(path: Path, *, width: int = 512, height: int = 256) -> Path:
    """Write the model for images of that size; return its path.

    :raises ValueError: when a side is no multiple of 8.
    """
    if width % _STRIDE or height % _STRIDE:
        raise ValueError(
            f'the null model: expected sides that are multiples of {_STRIDE}, got {width}x{height}'
        )
    contract = _contract(width, height)
    colors = np.array([label.color for label in contract.labels], np.float32)
    columns, rows = contract.logits_size
    shape = ('N', height, width, 3)
    constants = {
        'begin': np.array([_STRIDE // 2] * 2),
        'end': np.array([height, width]),
        'axes': np.array([1, 2]),
        'step': np.array([_STRIDE] * 2),
        'weight': (2 * _SHARPNESS * colors).reshape(-1, 3, 1, 1),
        'bias': -_SHARPNESS * (colors**2).sum(axis=1),
    }
    graph = helper.make_graph(
        [
            helper.make_node('Slice', [INPUT, 'begin', 'end', 'axes', 'step'], ['cells']),
            helper.make_node('Cast', ['cells'], ['float'], to=TensorProto.FLOAT),
            helper.make_node('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]),
            helper.make_node('Conv', ['planes', 'weight', 'bias'], [OUTPUT]),
        ],
        'null',
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape)],
        [
            helper.make_tensor_value_info(
                OUTPUT, TensorProto.FLOAT, ('N', len(contract.labels), rows, columns)
            )
        ],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    helper.set_model_props(model, contract.to_metadata())
    onnx.save(model, str(path))
    return path


def _contract(width: int, height: int) -> ModelContract:
    return ModelContract(
        name='null',
        architecture='nearest colour of one pixel in each cell',
        label_set='cityscapes',
        labels=load_label_set('cityscapes').labels,
        width=width,
        height=height,
        batch=None,
        stride=_STRIDE,
        align_corners=False,
        trained_on='nothing: its weights are the colours',
        weights_license='Apache-2.0',
        data_license='none',
        source_url='',
        source_sha256='',
        accuracy=(Accuracy(miou=1.0, dataset='its own colours', command='pytest test/benchmark'),),
        date='2026-11-23',
        configuration={'colors': 'of the labels'},
        label_stride=_LABEL_STRIDE,
    )
