"""Compressed camera images: JPEG and PNG, told apart by their content."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

from seg_perception.core.encodings import ImageError, RawImage, as_bytes, check_size, from_bgr

if TYPE_CHECKING:
    from seg_perception.core.encodings import Data

_JPEG_START = b'\xff\xd8'
_JPEG_END = b'\xff\xd9'
_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'
# Start-of-frame markers; of C0 to CF, three mean something else.
_JPEG_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def decode_compressed(data: Data) -> RawImage:
    """Decode a JPEG or PNG to bgr8 as it was stored: orientation tags are not followed.

    16-bit and grey pictures become 8-bit BGR, alpha is dropped. Zeros after the end are ignored.

    Damage inside a JPEG's data goes unseen: the decoder fills in what is missing.

    :raises ImageError: when it is neither, is cut short, cannot be decoded, or a side exceeds the
        limit.
    """
    content = as_bytes(data).tobytes().rstrip(b'\0')
    if content.startswith(_JPEG_START):
        # A cut-short JPEG decodes without an error, its rest grey: nothing to make masks of.
        kind, end, size = 'JPEG', _JPEG_END, _jpeg_size(content)
    elif content.startswith(_PNG_START):
        kind, end, size = 'PNG', _PNG_END, _png_size(content)
    else:
        raise ImageError(
            f'compressed image: expected a JPEG or a PNG, got {len(content)} bytes that start with '
            f'{content[:4].hex(" ") or "nothing"}; set the transport to jpeg or png'
        )
    if size is not None:
        # Before decoding: a few bytes may claim gigabytes of pixels.
        check_size(*size)
    if size is None or not content.endswith(end):
        raise ImageError(
            f'compressed image: expected a whole {kind}, got {len(content)} bytes that lack its '
            f'{"size" if size is None else "end"}; the message was cut short on its way'
        )
    image = cv2.imdecode(as_bytes(content), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ImageError(
            f'compressed image: expected a valid {kind}, got {len(content)} bytes that cannot be '
            'decoded; the message was damaged on its way or its sender writes an unusual kind'
        )
    return from_bgr(np.asarray(image, np.uint8))


def _png_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < 24 or content[12:16] != b'IHDR':
        return None
    width, height = struct.unpack('>II', content[16:24])
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Return (width, height) from the start-of-frame segment; None when there is none."""
    at = len(_JPEG_START)
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker in _JPEG_NO_LENGTH:
            at += 2
        elif marker in _JPEG_FRAME:
            height, width = struct.unpack('>HH', content[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], 'big')
    return None
