"""The tiny model with a residual block before its classifier: two more convolutions, same labels.

The block scales the three channels by 1.5, 1.25 and 1.125; the classifier's weights undo it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from seg_perception.core.contract import ModelContract
from test.tiny_model import write_tiny_model

GAINS = (0.5, 0.25, 0.125)


def write_residual_model(
    path: Path, contract: ModelContract | None = None, *, scale: float = 1.0
) -> Path:
    """Write it; `scale` multiplies what the block makes and is undone by the classifier."""
    write_tiny_model(path, contract)
    model = onnx.load(str(path))
    graph = model.graph
    cast, transpose, pool, classifier = list(graph.node)
    center = np.zeros((3, 3, 3, 3), np.float32)
    center[range(3), range(3), 1, 1] = scale
    gains = np.diag(GAINS).astype(np.float32).reshape(3, 3, 1, 1)
    block = [
        helper.make_node('Pad', ['cells', 'sides'], ['padded']),
        helper.make_node('Conv', ['padded', 'center', 'nothing'], ['stem']),
        helper.make_node('Relu', ['stem'], ['positive']),
        helper.make_node('Conv', ['positive', 'gains'], ['branch']),
        helper.make_node('Add', ['positive', 'branch'], ['sum']),
    ]
    classifier.input[0] = 'sum'
    del graph.node[:]
    graph.node.extend([cast, transpose, pool, *block, classifier])
    weight = numpy_helper.to_array(graph.initializer[0])
    undone = weight / (scale * (1 + np.array(GAINS, np.float32))).reshape(1, 3, 1, 1)
    graph.initializer[0].CopyFrom(numpy_helper.from_array(undone.astype(np.float32), 'weight'))
    for name, values in (
        ('sides', np.array([0, 0, 1, 1, 0, 0, 1, 1])),
        ('center', center),
        ('nothing', np.zeros(3, np.float32)),
        ('gains', gains),
    ):
        graph.initializer.append(numpy_helper.from_array(values, name))
    onnx.save(model, str(path))
    return path
