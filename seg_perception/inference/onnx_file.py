"""What an ONNX file claims, checked before a runtime believes it and allocates memory for it.

A file of a few bytes can claim tensors of 100 GB, or name files of this machine as its weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seg_perception.inference.base import ModelError
from seg_perception.inference.onnx_sizes import Known, least_size
from seg_perception.inference.onnx_wire import (
    Tensor,
    WireError,
    fields,
    floats,
    integers,
    parts,
    text,
)

LARGEST = 2**30
"""Elements of the largest tensor that a model may have: 4 GiB in float32."""

_LARGEST_FILE = 2**31  # what protocol buffers allow
_DEEPEST = 16


def check_file(path: Path, *, foreign: bool = False) -> None:
    """Check what an ONNX file claims; memory is taken for the bytes of the file alone.

    Refused are tensors that hold less than they claim, tensors of more than `LARGEST` elements (as
    far as they follow from the file alone: made of constants by ConstantOfShape, Expand, Tile,
    Resize and the like), and weights in other files: all, or those outside the file's own folder.

    :param foreign: whether it is to be imported: weights may lie in other files of its folder, and
        it may have functions of its own. Neither is in a file that a runtime is given.
    :raises ModelError: when the file is missing, no ONNX file, or claims such.
    """
    if not path.is_file():
        raise ModelError(
            f'{path}: expected an ONNX file, got {"a folder" if path.is_dir() else "nothing"}; '
            'give the path of a model file'
        )
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise ModelError(f'{path}: expected an ONNX file of at most 2 GiB, got {size:,} bytes')
    try:
        walk = _Walk(path, foreign).model(memoryview(path.read_bytes()))
        complaint = next(walk, None)
    except OSError as error:
        raise ModelError(f'{path}: expected a file that can be read, got: {error}') from error
    except WireError as error:
        raise ModelError(
            f'{path}: expected an ONNX file, got {error}; the file is damaged or not a model: '
            'copy or export it again'
        ) from error
    if complaint:
        raise ModelError(
            f'{path}: {complaint}; do not trust this file: get it again from its source, or export '
            'it again'
        )


@dataclass(frozen=True)
class _Walk:
    """Goes through a file and yields what is wrong with it; numbers are fields of onnx.proto."""

    path: Path
    foreign: bool

    def model(self, message: memoryview) -> Iterator[str]:
        graphs = 0
        for number, value in fields(message):
            if isinstance(value, int):
                continue
            if number == 7:
                graphs += 1
                yield from self.graph(value, {}, 0)
            elif number == 20:
                for graph in (*parts(value, 1), *parts(value, 2)):
                    yield from self.graph(graph, {}, 0)
            elif number == 25:
                if not self.foreign:
                    yield 'expected a plain graph, got one with functions of its own'
                known: dict[str, Known] = {}
                for attribute in parts(value, 11):
                    yield from self.attribute(attribute, known, 0)
                for node in parts(value, 7):
                    yield from self.node(node, known, 0)
        if graphs != 1:
            raise WireError(f'a message of {graphs} graphs')

    def graph(self, message: memoryview, outer: dict[str, Known], depth: int) -> Iterator[str]:
        if depth > _DEEPEST:
            yield f'expected subgraphs at most {_DEEPEST} deep, got deeper ones'
            return
        known = dict(outer)
        for declared in parts(message, 11):
            name, elements = _declared(declared)
            known[name] = Known(size=elements)
        for data in parts(message, 5):
            tensor = Tensor.read(data)
            yield from self.tensor(tensor)
            known[tensor.name] = Known(tensor.numbers(), tensor.elements)
        for data in parts(message, 15):
            yield from self.sparse(data)
        for node in parts(message, 1):
            yield from self.node(node, known, depth)

    def node(self, message: memoryview, known: dict[str, Known], depth: int) -> Iterator[str]:
        inputs, outputs, operator = [], [], ''
        attributes: dict[str, Known] = {}
        for number, value in fields(message):
            if number == 1:
                inputs.append(text(value))
            elif number == 2:
                outputs.append(text(value))
            elif number == 4:
                operator = text(value)
            elif number == 5 and isinstance(value, memoryview):
                yield from self.attribute(value, known, depth)
                name, found = _attribute(value)
                attributes[name] = found
        if not outputs:
            return
        if operator == 'Constant':
            known[outputs[0]] = next(iter(attributes.values()), Known())
            return
        given = [known.get(name, Known()) for name in inputs]
        numbers = {name: found.numbers for name, found in attributes.items()}
        elements = least_size(operator, given, numbers)
        if elements > LARGEST:
            yield _too_large(elements, f'{outputs[0]!r}, made by {operator}')
        # A chain of shape arithmetic keeps its numbers through these.
        same = operator in ('Identity', 'Cast', 'Squeeze', 'Unsqueeze', 'Reshape') and given
        known[outputs[0]] = Known(given[0].numbers if same else (), elements)

    def attribute(self, message: memoryview, known: dict[str, Known], depth: int) -> Iterator[str]:
        for number, value in fields(message):
            if isinstance(value, int):
                continue
            if number in (5, 10):
                yield from self.tensor(Tensor.read(value))
            elif number in (6, 11):
                yield from self.graph(value, known, depth + 1)
            elif number in (22, 23):
                yield from self.sparse(value)

    def sparse(self, message: memoryview) -> Iterator[str]:
        sides: list[int] = []
        for number, value in fields(message):
            if number in (1, 2) and isinstance(value, memoryview):
                yield from self.tensor(Tensor.read(value))
            elif number == 3:
                sides += integers(value)
        if (elements := Tensor(dims=sides).elements) > LARGEST:
            yield _too_large(elements, 'a sparse tensor')

    def tensor(self, tensor: Tensor) -> Iterator[str]:
        if tensor.elements > LARGEST:
            yield _too_large(tensor.elements, f'{tensor.name!r}')
        if tensor.external:
            yield from self.external(tensor)
        elif shortfall := tensor.shortfall:
            yield f'expected a tensor {tensor.name!r} of {tensor.dims}, got {shortfall}'

    def external(self, tensor: Tensor) -> Iterator[str]:
        """Complain of weights that lie elsewhere, or not where they may."""
        places = [value for key, value in tensor.external if key == 'location'] or ['']
        named = f'{tensor.name!r} in {", ".join(map(repr, places))}'
        if not self.foreign:
            yield f'expected one file that holds its weights, got {named}'
            return
        folder = self.path.parent.resolve()
        for place in places:
            # A link that leads out of the folder is out of it.
            data = (folder / place).resolve()
            if not place or not data.is_relative_to(folder) or Path(place).is_absolute():
                yield f'expected weights in the folder of the file, got {named}'
            elif not data.is_file():
                yield f'expected the weights beside the file, got no {place!r} there'
            elif (held := data.stat().st_size) < tensor.bytes:
                yield f'expected {tensor.name!r} of {tensor.bytes} bytes, got {held} in {place!r}'


def _too_large(elements: float, what: str) -> str:
    return f'expected tensors of at most {LARGEST:,} elements, got {elements:.3g} in {what}'


def _attribute(message: memoryview) -> tuple[str, Known]:
    """Return an attribute's name, and what is known of its value as a tensor."""
    name, known = '', Known()
    numbers: list[float] = []
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number == 5 and isinstance(value, memoryview):
            tensor = Tensor.read(value)
            known = Known(tensor.numbers(), tensor.elements)
        elif number == 3 or (number == 8 and (isinstance(value, int) or len(value) < 640)):
            numbers += integers(value)
        elif number in (2, 7) and isinstance(value, memoryview) and len(value) < 640:
            numbers += floats(value)
    return name, Known(numbers, len(numbers)) if numbers else known


def _declared(message: memoryview) -> tuple[str, float]:
    """Return the name of a graph's input and how many elements it has at the least."""
    name, sides = '', []
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number == 2 and isinstance(value, memoryview):
            for tensor in parts(value, 1):
                for shape in parts(tensor, 2):
                    sides += [
                        max(*integers(side), 1)  # some write a dynamic side as 0 or -1
                        for dimension in parts(shape, 1)
                        for found, side in fields(dimension)
                        if found == 1 and isinstance(side, int)
                    ]
    return name, math.prod(sides)
