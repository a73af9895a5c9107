from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from seg_perception.inference.base import ModelError
from seg_perception.inference.choice import read_contract
from seg_perception.models.export.onnx_safety import check_sizes, load_onnx, nodes_of
from test.inference.hostile import LARGE


def model(nodes: list[Any], **more: Any) -> Any:
    """Return a model from `x`, float [1, 4], to `y`."""
    graph = helper.make_graph(
        nodes,
        'g',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, None)],
    )
    sets = [helper.make_opsetid('', 17), helper.make_opsetid('own', 1)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8, **more)


def test_functions_of_the_file_are_inlined(tmp_path: Path) -> None:
    body = [helper.make_node('Add', ['a', 'a'], ['b'])]
    double = helper.make_function(
        'own', 'Double', ['a'], ['b'], body, [helper.make_opsetid('', 17)]
    )
    calls = [
        helper.make_node('Double', ['x'], ['h'], domain='own'),
        helper.make_node('Double', ['h'], ['y'], domain='own'),
    ]
    onnx.save(model(calls, functions=[double]), tmp_path / 'model.onnx')
    loaded = load_onnx(tmp_path / 'model.onnx')
    assert [node.op_type for node in loaded.graph.node] == ['Add', 'Add']
    assert not loaded.functions


def test_operators_of_others_are_listed_wherever_they_are(tmp_path: Path) -> None:
    inner = helper.make_graph(
        [helper.make_node('Hidden', ['x'], ['h'], domain='own')],
        'inner',
        [],
        [helper.make_tensor_value_info('h', TensorProto.FLOAT, None)],
    )
    condition = helper.make_node(
        'Constant', [], ['c'], value=onnx.numpy_helper.from_array(np.True_)
    )
    branch = helper.make_node('If', ['c'], ['y'], then_branch=inner, else_branch=inner)
    whole = model([condition, branch])
    assert [node.op_type for node in nodes_of(whole.graph)] == ['Constant', 'If'] + ['Hidden'] * 2
    onnx.save(whole, tmp_path / 'model.onnx')
    with pytest.raises(
        ModelError, match=r'model\.onnx: .* standard, got own\.Hidden \(2\); export'
    ):
        load_onnx(tmp_path / 'model.onnx')


def test_sizes_are_inferred_through_shape_arithmetic() -> None:
    """A size that no constant tells: the shape of the input times a million, twice."""
    factor = onnx.numpy_helper.from_array(np.array([10**6, 10**4]), 'million')
    whole = model(
        [
            helper.make_node('Shape', ['x'], ['s']),
            helper.make_node('Mul', ['s', 'million'], ['t']),
            helper.make_node('ConstantOfShape', ['t'], ['y']),
        ]
    )
    whole.graph.initializer.append(factor)
    with pytest.raises(ModelError, match=r"got 40,000,000,000 in 'y' \[1000000, 40000\]"):
        check_sizes(whole)


def test_shapes_that_cannot_be_inferred_are_told_of() -> None:
    whole = model([helper.make_node('Relu', ['x'], ['y'])])
    del whole.opset_import[:]
    with pytest.raises(ModelError, match=r'whose shapes can be inferred, got: .*No opset import'):
        check_sizes(whole)


@pytest.mark.parametrize(('depth', 'loop'), [(30, False), (3, True), (5000, False)])
def test_functions_that_multiply_are_not_inlined(depth: int, loop: bool, tmp_path: Path) -> None:
    """Each calls the next one twice: 2 to the power of 30 nodes in a file of a few kilobytes."""
    opsets = [helper.make_opsetid('', 17), helper.make_opsetid('own', 1)]
    functions = []
    for level in range(depth):
        inner = 'f0' if loop and level == depth - 1 else f'f{level + 1}'
        calls = [
            helper.make_node(inner, [a], [b], domain='own') for a, b in (('a', 'h'), ('h', 'b'))
        ]
        functions.append(helper.make_function('own', f'f{level}', ['a'], ['b'], calls, opsets))
    last = [helper.make_node('Relu', ['a'], ['b'])]
    functions.append(helper.make_function('own', f'f{depth}', ['a'], ['b'], last, opsets))
    whole = model([helper.make_node('f0', ['x'], ['y'], domain='own')], functions=functions)
    onnx.save(whole, tmp_path / 'model.onnx')
    sentence = (
        r'model\.onnx: (expected a graph of at most 100,000 nodes, got |expected functions that)'
    )
    with pytest.raises(ModelError, match=sentence):
        load_onnx(tmp_path / 'model.onnx')
    with pytest.raises(ModelError, match='a plain graph, got one with functions of its own'):
        read_contract(tmp_path / 'model.onnx')


def test_the_first_look_comes_first(tmp_path: Path) -> None:
    path = LARGE['doubling'](tmp_path / 'model.onnx')
    with pytest.raises(ModelError, match='made by Concat; do not trust this file'):
        load_onnx(path)
    with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
        load_onnx(tmp_path / 'none.onnx')
