"""Compressed camera images: JPEG and PNG, told apart by their content."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core import jpeg
from seg_perception.core.encodings import ImageError, RawImage, as_bytes, check_size

if TYPE_CHECKING:
    from seg_perception.core.encodings import Data

Bytes = npt.NDArray[np.uint8]

_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'
_BLOCK = 1 << 16
_COLOR = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def decode_compressed(
    data: Data, reduction: Callable[[tuple[int, int]], int] | None = None
) -> RawImage:
    """Decode a JPEG or PNG to bgr8 as it was stored: orientation tags are not followed.

    16-bit and grey pictures become 8-bit BGR, alpha is dropped. Zeros after the end are ignored.

    What is damaged inside a PNG is found by its checksums. A JPEG has none: it is refused where its
    markers do not fit, so that a part that is missing between restart markers is found wherever the
    camera sets them. Other damage goes unseen, and the decoder fills in what it lacks.

    :param reduction: told the (width, height), returns 1, 2, 4 or 8, a factor of both: how much
        smaller a JPEG may be decoded (`View.reduction`).
    :raises ImageError: when it is neither, is cut short or damaged, or a side exceeds the limit.
    """
    content = _without_padding(as_bytes(data))
    if content[:2].tobytes() == jpeg.START:
        size = jpeg.read_jpeg(content)
        factor = 1 if reduction is None else reduction(size)
        return _decode('JPEG', content, size, factor)
    if content[:8].tobytes() == _PNG_START:
        return _decode('PNG', content, _png_size(content), 1)
    raise ImageError(
        f'compressed image: expected a JPEG or a PNG, got {len(content)} bytes that start with '
        f'{content[:4].tobytes().hex(" ") or "nothing"}; set the transport to jpeg or png'
    )


def _decode(kind: str, content: Bytes, size: tuple[int, int], factor: int) -> RawImage:
    image = cv2.imdecode(content, _COLOR[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ImageError(
            f'compressed image: expected a valid {kind}, got {len(content)} bytes that cannot be '
            'decoded; the message was damaged on its way or its sender writes an unusual kind'
        )
    return RawImage('bgr8', *size, np.asarray(image, np.uint8), factor)


def _png_size(content: Bytes) -> tuple[int, int]:
    """Return (width, height) of a PNG that is whole, checked before it is decoded."""
    head = content[12:24].tobytes()
    if len(head) < 12 or head[:4] != b'IHDR':
        jpeg.cut_short('PNG', content, 'size')
    width, height = struct.unpack('>II', head[4:])
    check_size(width, height)
    if content[-len(_PNG_END) :].tobytes() != _PNG_END:
        jpeg.cut_short('PNG', content, 'end')
    return width, height


def _without_padding(content: Bytes) -> Bytes:
    """Return a view without the zeros at the end: some drivers send the whole of their buffer."""
    end = len(content)
    while end and content[end - 1] == 0:
        used = np.flatnonzero(content[max(end - _BLOCK, 0) : end])
        end = max(end - _BLOCK, 0) + (int(used[-1]) + 1 if used.size else 0)
    return content[:end]
