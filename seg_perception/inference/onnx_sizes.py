"""How large a node's result is at the least, as far as the file alone tells.

Operators: onnx.ai/onnx/operators. A tensor of unknown size counts as one element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

Numbers: TypeAlias = Sequence[float]


class Known(NamedTuple):
    """What is known of a tensor: its elements where they are a few constants, and how many."""

    numbers: Numbers = ()
    size: float = 1


def least_size(operator: str, inputs: Sequence[Known], attributes: Mapping[str, Numbers]) -> float:
    """Return how many elements the first result of a node has at the least."""
    if operator in _KEEP:
        return max((known.size for known in inputs), default=1)
    if operator == 'Concat':
        return sum(known.size for known in inputs)
    if operator in _MAKERS:
        return _MAKERS[operator](inputs, attributes)
    return 1


def _product(numbers: Numbers) -> float:
    """Return a product of sides, held within what a float can be."""
    product = 1.0
    for number in numbers:
        product = min(product * max(number, 0), 1e30)
    return product


def _numbers(inputs: Sequence[Known], index: int) -> Numbers:
    return inputs[index].numbers if index < len(inputs) else ()


def _expand(inputs: Sequence[Known], _: Mapping[str, Numbers]) -> float:
    return max(inputs[0].size, _product(_numbers(inputs, 1))) if inputs else 1


def _tile(inputs: Sequence[Known], _: Mapping[str, Numbers]) -> float:
    return inputs[0].size * _product(_numbers(inputs, 1)) if inputs else 1


def _resize(inputs: Sequence[Known], attributes: Mapping[str, Numbers]) -> float:
    if not inputs:
        return 1
    if sizes := _numbers(inputs, 3):
        return _product(sizes)
    # Resize takes a region before the scales, Upsample and the first Resize do not.
    scales = _numbers(inputs, 2) or _numbers(inputs, 1) or attributes.get('scales', ())
    return inputs[0].size * _product(scales)


def _pad(inputs: Sequence[Known], attributes: Mapping[str, Numbers]) -> float:
    pads = _numbers(inputs, 1) or attributes.get('pads', ())
    half = len(pads) // 2
    return _product([pads[i] + pads[half + i] + 1 for i in range(half)])


def _range(inputs: Sequence[Known], _: Mapping[str, Numbers]) -> float:
    match [known.numbers for known in inputs]:
        case [[start], [limit], [delta]] if delta and not math.isnan(limit - start):
            return min(max((limit - start) / delta, 0), 1e30)
    return 1


def _one_hot(inputs: Sequence[Known], _: Mapping[str, Numbers]) -> float:
    return inputs[0].size * _product(_numbers(inputs, 1)) if inputs else 1


def _input(index: int) -> Callable[[Sequence[Known], Mapping[str, Numbers]], float]:
    return lambda inputs, _: _product(_numbers(inputs, index))


def _attribute(name: str) -> Callable[[Sequence[Known], Mapping[str, Numbers]], float]:
    return lambda _, attributes: _product(attributes.get(name, ()))


_MAKERS: dict[str, Callable[[Sequence[Known], Mapping[str, Numbers]], float]] = {
    'ConstantOfShape': _input(0),
    'Expand': _expand,
    'Tile': _tile,
    'Resize': _resize,
    'Upsample': _resize,
    'Pad': _pad,
    'Range': _range,
    'OneHot': _one_hot,
    'MaxUnpool': _input(2),
    'ConvTranspose': _attribute('output_shape'),
    'RandomNormal': _attribute('shape'),
    'RandomUniform': _attribute('shape'),
}

# Their result is never smaller than the largest input.
# fmt: off
_KEEP = frozenset({
    'Abs', 'Add', 'And', 'BatchNormalization', 'Cast', 'Ceil', 'Clip', 'Cos', 'Div', 'Elu', 'Equal',
    'Erf', 'Exp', 'Flatten', 'Floor', 'Greater', 'HardSigmoid', 'HardSwish', 'Identity',
    'InstanceNormalization', 'LayerNormalization', 'LeakyRelu', 'Less', 'Log', 'Max', 'Min', 'Mul',
    'Neg', 'Not', 'Or', 'PRelu', 'Pow', 'Reciprocal', 'Relu', 'Reshape', 'Round', 'Sigmoid', 'Sign',
    'Sin', 'Softmax', 'Softplus', 'Sqrt', 'Squeeze', 'Sub', 'Sum', 'Tanh', 'Transpose', 'Unsqueeze',
    'Where',
})
# fmt: on
