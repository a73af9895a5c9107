from __future__ import annotations

import struct
import zlib
from array import array

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.compressed import decode_compressed
from seg_perception.core.encodings import ImageError


def picture(height: int = 48, width: int = 64) -> npt.NDArray[np.uint8]:
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0], image[:, :, 2] = ramp, ramp[::-1]
    image[height // 2 :, :, 1] = 200
    return image


def encode(kind: str, image: npt.NDArray[np.uint8 | np.uint16], *options: int) -> bytes:
    done, content = cv2.imencode(f'.{kind}', image, options)
    assert done
    return content.tobytes()


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', check)

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 16))
    parts = [chunk(b'IHDR', header), chunk(b'IDAT', rows), chunk(b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


def test_png_is_exact() -> None:
    image = decode_compressed(encode('png', picture()))
    assert image.encoding == 'bgr8'
    assert image.size == (64, 48)
    np.testing.assert_array_equal(image.bgr(), picture())


@pytest.mark.parametrize(
    'options', [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)]
)
def test_jpeg_is_close(options: tuple[int, ...]) -> None:
    image = decode_compressed(array('B', encode('jpg', picture(), *options)))
    assert image.size == (64, 48)
    assert np.abs(image.bgr().astype(int) - picture()).mean() < 4


def test_other_kinds_of_png_become_bgr8() -> None:
    gray = picture()[:, :, 0]
    np.testing.assert_array_equal(
        decode_compressed(encode('png', gray)).bgr(), np.dstack([gray] * 3)
    )
    alpha = np.dstack([picture(), np.full_like(gray, 7)])
    np.testing.assert_array_equal(decode_compressed(encode('png', alpha)).bgr(), picture())
    deep = picture().astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_compressed(encode('png', deep)).bgr(), picture())
    deep_gray = gray.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_compressed(encode('png', deep_gray)).bgr()[:, :, 1], gray)


def test_gray_jpeg() -> None:
    gray = np.full((16, 16), 90, np.uint8)
    assert decode_compressed(encode('jpg', gray)).bgr()[3, 3].tolist() == [90, 90, 90]


def test_orientation_tags_are_not_followed() -> None:
    # A camera's pixels stay where its camera info says; tag 0x0112 = 6 asks for a quarter turn.
    tiff = b'MM\0*\0\0\0\x08' + struct.pack('>HHHIHHI', 1, 0x0112, 3, 1, 6, 0, 0)
    segment = b'Exif\0\0' + tiff
    jpeg = encode('jpg', picture())
    tagged = jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(segment) + 2) + segment + jpeg[2:]
    assert decode_compressed(tagged).size == (64, 48)
    np.testing.assert_array_equal(decode_compressed(tagged).bgr(), decode_compressed(jpeg).bgr())


@pytest.mark.parametrize('kind', ['jpg', 'png'])
def test_zero_padding_after_the_end_is_ignored(kind: str) -> None:
    content = encode(kind, picture())
    np.testing.assert_array_equal(
        decode_compressed(content + bytes(5000)).bgr(), decode_compressed(content).bgr()
    )


@pytest.mark.parametrize('kind', ['jpg', 'png'])
@pytest.mark.parametrize('share', [0.1, 0.5, 0.9, 0.999])
def test_a_cut_short_picture_is_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)
    content = encode(kind, noise)
    cut = content[: int(len(content) * share)]
    with pytest.raises(ImageError, match=r'expected a whole (JPEG|PNG), got \d+ bytes that lack'):
        decode_compressed(cut)
    with pytest.raises(ImageError, match='expected a whole'):
        decode_compressed(cut + bytes(len(content) - len(cut)))


@pytest.mark.parametrize('content', [b'', bytes(100), b'GIF89a' + bytes(50), b'RIFF1234WEBP'])
def test_other_formats_are_refused(content: bytes) -> None:
    with pytest.raises(ImageError, match=r'expected a JPEG or a PNG, got .* set the transport'):
        decode_compressed(content)


def test_a_damaged_picture_is_refused() -> None:
    png = bytearray(encode('png', picture()))
    png[40:-12] = bytes(len(png) - 52)
    with pytest.raises(ImageError, match=r'expected a valid PNG, got .* cannot be decoded'):
        decode_compressed(bytes(png))
    jpeg = encode('jpg', picture())
    without_tables = jpeg[: jpeg.index(b'\xff\xdb')] + jpeg[jpeg.index(b'\xff\xc0') :]
    with pytest.raises(ImageError, match='JPEG'):
        decode_compressed(without_tables)


@pytest.mark.parametrize(('width', 'height'), [(60000, 60000), (8193, 16), (16, 8193), (0, 16)])
def test_a_claimed_size_is_checked_before_decoding(width: int, height: int) -> None:
    with pytest.raises(ImageError, match=f'sides of 1 to 8192 pixels, got {width}x{height}'):
        decode_compressed(png_claiming(width, height))
    jpeg = bytearray(encode('jpg', picture()))
    at = jpeg.index(b'\xff\xc0') + 5
    jpeg[at : at + 4] = struct.pack('>HH', height, width)
    with pytest.raises(ImageError, match=f'sides of 1 to 8192 pixels, got {width}x{height}'):
        decode_compressed(bytes(jpeg))


def test_a_thumbnail_is_not_taken_for_the_picture() -> None:
    thumbnail = encode('jpg', picture(8, 8))
    jpeg = encode('jpg', picture())
    segment = b'\xff\xe1' + struct.pack('>H', len(thumbnail) + 2) + thumbnail
    whole = jpeg[:2] + segment + jpeg[2:]
    assert decode_compressed(whole).size == (64, 48)
    with pytest.raises(ImageError, match='expected a whole JPEG'):
        decode_compressed(whole[:-200])
