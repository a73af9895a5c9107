"""Messages written by onnx itself and read from their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from seg_perception.inference.onnx_wire import (
    Tensor,
    WireError,
    fields,
    floats,
    integers,
    parts,
    text,
)


def read(tensor: TensorProto) -> Tensor:
    return Tensor.read(memoryview(tensor.SerializeToString()))


def test_the_fields_of_a_message() -> None:
    node = helper.make_node('Conv', ['x', 'w'], ['y'], name='first', strides=[2, -1], alpha=0.5)
    message = memoryview(node.SerializeToString())
    found = [(number, text(value)) for number, value in fields(message) if number != 5]
    assert found == [(1, 'x'), (1, 'w'), (2, 'y'), (3, 'first'), (4, 'Conv')]
    alpha, strides = (dict(fields(part)) for part in parts(message, 5))
    assert text(alpha[1]) == 'alpha'
    assert floats(alpha[2]) == [0.5]
    listed = [integers(v) for n, v in fields(next(iter([*parts(message, 5)][1:]))) if n == 8]
    assert [number for values in listed for number in values] == [2, -1]
    assert text(strides[1]) == 'strides'


@pytest.mark.parametrize(
    ('array', 'numbers'),
    [
        (np.array([1, -2], np.int64), [1, -2]),
        (np.array([0.5, 2], np.float32), [0.5, 2]),
        (np.array(7, np.int64), [7]),
        (np.zeros(65, np.int64), []),
        (np.zeros(2, np.uint8), []),
    ],
)
def test_numbers_of_a_small_tensor(array: Any, numbers: list[float]) -> None:
    tensor = read(numpy_helper.from_array(array, 'a'))
    assert (tensor.name, tensor.elements, tensor.bytes) == ('a', array.size, array.nbytes)
    assert tensor.numbers() == numbers
    assert tensor.shortfall == ''


@pytest.mark.parametrize(
    ('kind', 'values'),
    [(TensorProto.INT64, [3, -4]), (TensorProto.FLOAT, [1.5, 2.5])],
)
def test_numbers_that_are_not_raw(kind: int, values: list[float]) -> None:
    tensor = read(helper.make_tensor('a', kind, [2], values))
    assert tensor.numbers() == values
    assert tensor.shortfall == ''


@pytest.mark.parametrize('kind', sorted(set(TensorProto.DataType.values()) - {0, 8}))
def test_every_type_of_element_fits_what_onnx_writes(kind: int) -> None:
    try:
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        written = numpy_helper.from_array(np.zeros(12, dtype), 'a')
    except (KeyError, TypeError, ValueError):
        pytest.skip('onnx has no array of it')
    assert written.data_type == kind
    tensor = read(written)
    if tensor.bytes:
        assert tensor.shortfall == ''
        assert tensor.raw is not None
        assert len(tensor.raw) == tensor.bytes


def test_strings_and_data_elsewhere() -> None:
    words = read(onnx.TensorProto(name='w', data_type=8, dims=[2], string_data=[b'a', b'bc']))
    assert words.shortfall == ''
    far = onnx.TensorProto(name='far', data_type=1, dims=[9])
    far.external_data.add(key='location', value='there')
    assert read(far).external == [('location', 'there')]
    assert read(far).numbers() == []


@pytest.mark.parametrize('message', [b'\x0b', b'\x08', b'\x0a\x05abc', b'\x09abc'])
def test_what_is_no_message(message: bytes) -> None:
    with pytest.raises(WireError):
        list(fields(memoryview(message)))
