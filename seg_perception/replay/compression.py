"""Decompression of what may be damaged: as much as can be had, and never more than is claimed."""

from __future__ import annotations

import bz2
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import lz4.frame

from seg_perception.replay.storage import Data

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
MAX_SIZE = 1 << 31
"""Bytes that one chunk or message is let grow to."""

_PIECE = 1 << 16


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: Any, /, max_length: int = -1) -> bytes: ...


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    'zstd': zstd.ZstdDecompressor,
    'lz4': lz4.frame.LZ4FrameDecompressor,
    'bz2': bz2.BZ2Decompressor,
}


def decompress(data: Data, kind: str, size: int | None = None) -> tuple[Data, str]:
    """Decompress one stream as far as that goes.

    :param kind: `zstd`, `lz4` or `bz2`; empty or `none` for data that is not compressed.
    :param size: bytes that are expected, where that is known.
    :returns: the data and, when it is not whole, why; else an empty text.
    """
    if kind in ('', 'none'):
        short = size is not None and len(data) != size
        return data, f'expected {size} bytes, got {len(data)}' if short else ''
    make = _DECOMPRESSORS.get(kind)
    if make is None:
        known = ', '.join(_DECOMPRESSORS)
        return b'', f'compression: expected one of {known}, got {kind!r}'
    limit = MAX_SIZE if size is None else min(size, MAX_SIZE)
    decompressor, out, problem = make(), bytearray(), ''
    try:
        # In pieces: what comes before the damage is kept.
        for at in range(0, len(data), _PIECE):
            piece: Data = data[at : at + _PIECE]
            while not decompressor.eof and len(out) <= limit:
                before = len(out)
                out += decompressor.decompress(piece, limit + 1 - before)
                piece = b''
                if len(out) == before:
                    break
    except Exception as error:  # noqa: BLE001  (each library has its own)
        problem = f'its {kind} data is damaged ({error})'
    else:
        if not decompressor.eof:
            problem = f'its {kind} data is cut short or longer than {limit} bytes'
        elif size is not None and len(out) != size:
            problem = f'expected {size} bytes, got {len(out)}'
    del out[limit:]
    return bytes(out), problem


def unpack_message(data: Data) -> tuple[Data, str]:
    """Decompress a message that rosbag2 may have compressed; otherwise as `decompress`.

    CDR begins with a byte 0, which zstd does not.
    """
    packed = bytes(data[: len(ZSTD_MAGIC)]) == ZSTD_MAGIC
    return decompress(data, 'zstd') if packed else (data, '')


def decompress_file(source: Path, target: BinaryIO) -> str:
    """Decompress a zstd file into another; return why it is not whole, or an empty text."""
    decompressor = zstd.ZstdDecompressor()
    with source.open('rb') as file:
        try:
            while piece := file.read(_PIECE):
                while piece:
                    if decompressor.eof:  # a file may be several frames
                        decompressor = zstd.ZstdDecompressor()
                    target.write(decompressor.decompress(piece))
                    piece = decompressor.unused_data if decompressor.eof else b''
        except zstd.ZstdError as error:
            return f'its zstd data is damaged ({error}); read up to there'
    return '' if decompressor.eof else 'its zstd data is cut short; read up to there'
