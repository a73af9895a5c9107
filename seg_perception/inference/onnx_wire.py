"""Protocol-buffer messages of ONNX files, read where they lie: nothing is decoded or copied whole.

Wire format: protobuf.dev/programming-guides/encoding. Field numbers: onnx/onnx.proto.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = 'int | memoryview'

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL = 1
_MOST_SIDES = 64
# Of a tensor with more elements none is kept: it is no shape.
_MOST_NUMBERS = 64

# Bits an element takes in raw_data, by TensorProto.DataType; 8 (string) has no raw form.
_BITS = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),  # (u)int8, bool, float8 of five kinds
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 11, 13, 14), 64),
    15: 128,
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((25, 26), 2),
}
_INT64, _FLOAT = 7, 1


class WireError(ValueError):
    """The bytes are no such message."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield the field numbers and values of a message; values of fixed width come as bytes.

    :raises WireError: when it is cut off or no message.
    """
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == _BYTES:
            size, position = _varint(message, position)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise WireError(f'wire type {kind}')
        if size > len(message) - position:
            raise WireError(f'a field of {size} bytes where {len(message) - position} are left')
        yield number, message[position : position + size]
        position += size


def parts(message: memoryview, number: int) -> Iterator[memoryview]:
    """Yield the embedded messages of one field number."""
    for found, value in fields(message):
        if found == number and isinstance(value, memoryview):
            yield value


def text(value: Value) -> str:
    """Return a string field."""
    return '' if isinstance(value, int) else bytes(value).decode('utf-8', 'replace')


def integers(value: Value) -> list[int]:
    """Return the values of a repeated int64 field, packed or not."""
    if isinstance(value, int):
        return [_signed(value)]
    found, position = [], 0
    while position < len(value):
        number, position = _varint(value, position)
        found.append(_signed(number))
    return found


def floats(value: Value) -> list[float]:
    """Return the values of a repeated float field, packed or not."""
    if isinstance(value, int) or len(value) % 4:
        raise WireError('floats of another width')
    return [number for (number,) in struct.iter_unpack('<f', value)]


@dataclass
class Tensor:
    """What a TensorProto says of itself.

    :ivar external: keys and values of its external data, empty where it holds its own.
    :ivar raw: its raw_data, if it has such.
    :ivar typed: bytes of its elements in other fields, at least.
    """

    name: str = ''
    dims: list[int] = field(default_factory=list)
    data_type: int = 0
    external: list[tuple[str, str]] = field(default_factory=list)
    raw: memoryview | None = None
    typed: int = 0
    _int64: list[memoryview | int] = field(default_factory=list)
    _float: list[memoryview] = field(default_factory=list)

    @classmethod
    def read(cls, message: memoryview) -> Tensor:
        """Read a TensorProto.

        :raises WireError: when it is none.
        """
        tensor, elsewhere = cls(), False
        for number, value in fields(message):
            if number == 1:
                if isinstance(value, memoryview) and len(value) > 10 * _MOST_SIDES:
                    raise WireError('a tensor of too many sides')
                tensor.dims += integers(value)
            elif number == 2 and isinstance(value, int):
                tensor.data_type = value
            elif number == 8:
                tensor.name = text(value)
            elif number == 9 and isinstance(value, memoryview):
                tensor.raw = value
            elif number == 13 and isinstance(value, memoryview):
                entry = dict(fields(value))
                tensor.external.append((text(entry.get(1, 0)), text(entry.get(2, 0))))
            elif number == 14:
                elsewhere = value == _EXTERNAL
            elif number in (4, 5, 6, 7, 10, 11):
                tensor._keep(number, value)
        if len(tensor.dims) > _MOST_SIDES:
            raise WireError(f'a tensor of {len(tensor.dims)} sides')
        if elsewhere and not tensor.external:
            tensor.external.append(('location', ''))
        return tensor

    def _keep(self, number: int, value: Value) -> None:
        # An unpacked number has a key of its own, a string a key and a length.
        self.typed += 1 if isinstance(value, int) else max(len(value), 1)
        if self.typed > 10 * _MOST_NUMBERS:
            return
        if number == 7:
            self._int64.append(value)
        elif number == 4 and isinstance(value, memoryview):
            self._float.append(value)

    @property
    def elements(self) -> int:
        """How many elements its sides claim.

        :raises WireError: when a side is negative.
        """
        if any(side < 0 for side in self.dims):
            raise WireError(f'tensor {self.name!r} has sides {self.dims}')
        return math.prod(self.dims)

    @property
    def bytes(self) -> int:
        """How many bytes its elements take in raw data; 0 for a type that has none."""
        return -(-self.elements * _BITS.get(self.data_type, 0) // 8)

    @property
    def shortfall(self) -> str:
        """How what it holds differs from what it claims; empty if it does not."""
        claimed = self.elements
        if self.raw is not None:
            held = len(self.raw)
            return '' if held == self.bytes else f'{held} bytes where it takes {self.bytes}'
        # A number takes at least a byte there, and of the smallest type four share one.
        return '' if claimed <= 4 * self.typed else f'{self.typed} bytes for {claimed} elements'

    def numbers(self) -> list[float]:
        """Return its elements if they are few, int64 or float32, and its own; else none."""
        if self.elements > _MOST_NUMBERS or self.external or self.shortfall:
            return []
        if self.data_type == _INT64:
            if self.raw is not None:
                return list(struct.unpack(f'<{len(self.raw) // 8}q', self.raw))
            return [number for value in self._int64 for number in integers(value)]
        if self.data_type == _FLOAT:
            data = self._float if self.raw is None else [self.raw]
            return [number for part in data for number in floats(part)]
        return []


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise WireError('a number that is cut off')
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
    raise WireError('a number of more than ten bytes')


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
