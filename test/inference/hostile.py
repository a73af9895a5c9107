"""ONNX files that claim more than there is, for tests: each a few hundred bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from test.tiny_model import tiny_contract

HUGE = 25_000_000_000
"""Elements of 100 GB."""


def claim(name: str, dims: Sequence[int], data: bytes = b'') -> TensorProto:
    """Return a float tensor that claims `dims` and holds `data`."""
    return TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, raw_data=data)


def elsewhere(name: str, location: str, elements: int = 4) -> TensorProto:
    """Return a float tensor whose data lies in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[elements])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key='location', value=location)
    return tensor


def ints(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name: str, *values: float) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.float32), name)


def write(
    path: Path, nodes: Sequence[onnx.NodeProto] = (), weights: Sequence[TensorProto] = ()
) -> Path:
    """Write a model of the contract's input and metadata whose output is `nodes`' tensor `made`."""
    contract = tiny_contract()
    cast = helper.make_node('Cast', ['image'], ['float'], to=TensorProto.FLOAT)
    last = [helper.make_node('ReduceSum', ['made'], ['sum'])] if nodes else []
    graph = helper.make_graph(
        [cast, *nodes, *last, helper.make_node('Identity', ['float'], ['logits'])],
        'hostile',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', 64, 128, 3])],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, ['N', 19, 8, 16])],
        list(weights),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    helper.set_model_props(model, contract.to_metadata())
    path.write_bytes(model.SerializeToString())
    return path


def _maker(
    operator: str, inputs: Sequence[str], *weights: TensorProto, **attributes: object
) -> Callable[[Path], Path]:
    node = helper.make_node(operator, inputs, ['made'], **attributes)
    return lambda path: write(path, [node], weights)


def _doubling(path: Path) -> Path:
    names = ['float', *(f'c{i}' for i in range(24)), 'made']
    pairs = itertools.pairwise(names)
    return write(path, [helper.make_node('Concat', [a, a], [b], axis=3) for a, b in pairs])


def _subgraph(path: Path) -> Path:
    body = helper.make_graph(
        [helper.make_node('ConstantOfShape', ['s'], ['inner'])],
        'body',
        [],
        [helper.make_tensor_value_info('inner', TensorProto.FLOAT, None)],
        [ints('s', HUGE)],
    )
    true = numpy_helper.from_array(np.array(1, bool), 'true')
    node = helper.make_node('If', ['true'], ['made'], then_branch=body, else_branch=body)
    return write(path, [node], [true])


def _constants(path: Path) -> Path:
    shape = helper.make_node('Constant', [], ['s'], value_ints=[1000, 5000, 5000])
    same = helper.make_node('Unsqueeze', ['s', 'axes'], ['t'])
    node = helper.make_node('Expand', ['one', 't'], ['made'])
    return write(path, [shape, same, node], [floats('one', 1), ints('axes', 0)])


def _sparse(path: Path) -> Path:
    path = write(path)
    model = onnx.load(path)
    sparse = helper.make_sparse_tensor(floats('v', 1), ints('i', 0), [HUGE])
    model.graph.sparse_initializer.append(sparse)
    path.write_bytes(model.SerializeToString())
    return path


def _many(value: float, *sides: int) -> npt.NDArray[np.float32]:
    return np.full(sides, value, np.float32)


LARGE: dict[str, Callable[[Path], Path]] = {
    'weight': lambda path: write(path, weights=[claim('w', [HUGE])]),
    'weight of many sides': lambda path: write(path, weights=[claim('w', [50000, 50000, 10])]),
    'sparse weight': _sparse,
    'constant': _maker('Constant', [], value=claim('v', [HUGE])),
    'constant of shape': _maker('ConstantOfShape', ['s'], ints('s', HUGE)),
    'expand': _maker('Expand', ['one', 's'], floats('one', 1), ints('s', 500, 50_000_000)),
    'expand by constants': _constants,
    'tile': _maker('Tile', ['float', 'r'], ints('r', 1, 1000, 1000, 2)),
    'tile a weight': _maker(
        'Tile', ['w', 'r'], numpy_helper.from_array(_many(1, 64, 64), 'w'), ints('r', 1000, 1000)
    ),
    'resize to sizes': _maker(
        'Resize', ['float', '', '', 's'], ints('s', 1, 100_000, 100_000, 3), mode='linear'
    ),
    'resize by scales': _maker(
        'Resize', ['float', '', 's'], floats('s', 1, 1000, 1000, 1), mode='linear'
    ),
    'pad': _maker('Pad', ['float', 'p'], ints('p', 0, 10**6, 10**6, 0, 0, 0, 0, 0)),
    'range': _maker('Range', ['a', 'b', 'c'], ints('a', 0), ints('b', HUGE), ints('c', 1)),
    'one-hot': _maker('OneHot', ['float', 'd', 'v'], ints('d', 10**7), floats('v', 0, 1)),
    'random': _maker('RandomNormal', [], shape=[HUGE]),
    'doubling': _doubling,
    'subgraph': _subgraph,
}
"""Writers of models that claim a tensor of gigabytes."""
