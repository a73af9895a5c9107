"""ONNX files from elsewhere, read with care."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import onnx
import onnx.inliner

from seg_perception.inference.base import ModelError
from seg_perception.inference.onnx_file import LARGEST, check_file

_MOST_NODES = 100_000

STANDARD = ('', 'ai.onnx')
"""Domains of the operators that every runtime has."""


def load_onnx(path: Path) -> Any:
    """Read an ONNX file that may come from anywhere, as a ModelProto with its weights.

    Weights may lie in other files of the same folder. Functions of the file are inlined.

    :raises ModelError: when it is missing, no ONNX file, claims more than it holds, makes tensors
        of more than `LARGEST` elements, or has operators outside the ONNX standard.
    """
    check_file(path, foreign=True)
    try:
        model = onnx.load(str(path))
    except Exception as error:  # of protobuf and of onnx, without a common class
        raise ModelError(f'{path}: expected an ONNX file, got: {error}') from error
    try:
        if model.functions:
            _check_functions(model)
            model = onnx.inliner.inline_local_functions(model)
        check_operators(model)
        check_sizes(model)
    except RecursionError as error:
        raise ModelError(f'{path}: expected functions that call no chain of others') from error
    except ModelError as error:
        raise ModelError(f'{path}: {error}') from error
    return model


def _check_functions(model: Any) -> None:
    """Check that functions which call each other do not multiply beyond measure.

    :raises ModelError: when they do.
    """
    bodies = {(function.domain, function.name): function for function in model.functions}
    counts: dict[tuple[str, str], float] = {}

    def count(graph: Any) -> float:
        return sum(size((node.domain, node.op_type)) for node in nodes_of(graph))

    def size(name: tuple[str, str]) -> float:
        if name not in bodies:
            return 1
        if name not in counts:
            counts[name] = math.inf  # found again within itself
            counts[name] = count(bodies[name])
        return counts[name]

    if (nodes := count(model.graph)) > _MOST_NODES:
        raise ModelError(
            f'expected a graph of at most {_MOST_NODES:,} nodes, got {nodes:.3g} with its functions'
        )


def check_operators(model: Any) -> None:
    """Check that a model needs nothing but the ONNX standard, as not every runtime has more.

    :raises ModelError: listing the operators that are not of it.
    """
    others: dict[str, int] = {}
    for node in nodes_of(model.graph):
        if node.domain not in STANDARD:
            name = f'{node.domain}.{node.op_type}'
            others[name] = others.get(name, 0) + 1
    if others:
        listed = ', '.join(f'{name} ({count})' for name, count in sorted(others.items()))
        raise ModelError(
            f'expected operators of the ONNX standard, got {listed}; export the network '
            'without optimisations for one runtime'
        )


def check_sizes(model: Any) -> None:
    """Check the sizes of all tensors that follow from the graph and its input's size.

    :raises ModelError: naming the tensor that has more than `LARGEST` elements.
    """
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception as error:  # as above
        raise ModelError(f'expected a graph whose shapes can be inferred, got: {error}') from error
    for tensor in (*graph.value_info, *graph.input, *graph.output):
        sides = [side.dim_value for side in tensor.type.tensor_type.shape.dim]
        elements = math.prod(side for side in sides if side > 0)
        if elements > LARGEST:
            raise ModelError(
                f'expected tensors of at most {LARGEST:,} elements, got {elements:,} in '
                f'{tensor.name!r} {sides}; do not trust this file, or choose a smaller size'
            )


def nodes_of(graph: Any) -> list[Any]:
    """Return the nodes of a graph and of the graphs within."""
    found = []
    for node in graph.node:
        found.append(node)
        for attribute in node.attribute:
            inner = [*attribute.graphs, attribute.g] if attribute.g.node else attribute.graphs
            for part in inner:
                found += nodes_of(part)
    return found
