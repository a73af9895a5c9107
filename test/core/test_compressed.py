from __future__ import annotations

import struct
import zlib
from array import array
from itertools import pairwise

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


SAMPLINGS = (
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)


def noise(height: int = 48, width: int = 64) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize('progressive', [0, 1])
@pytest.mark.parametrize('interval', [0, 1, 3, 7])
@pytest.mark.parametrize('sampling', [None, *SAMPLINGS])
@pytest.mark.parametrize('size', [(48, 64), (51, 77), (8, 8), (1, 3)])
def test_every_whole_jpeg_is_taken(
    size: tuple[int, int], sampling: int | None, interval: int, progressive: int
) -> None:
    options = [cv2.IMWRITE_JPEG_RST_INTERVAL, interval, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive]
    image = noise(*size)
    if sampling is None:
        image = image[:, :, 0]
    else:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    content = encode('jpg', image, *options)
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_compressed(content).bgr(), expected)


def restarts(content: bytes) -> list[int]:
    """Return where the restart markers are."""
    pairs = pairwise(content)
    return [at for at, (mark, kind) in enumerate(pairs) if mark == 0xFF and 0xD0 <= kind < 0xD8]


@pytest.mark.parametrize('progressive', [0, 1])
def test_a_part_that_is_lost_between_restart_markers_is_found(progressive: int) -> None:
    options = (cv2.IMWRITE_JPEG_RST_INTERVAL, 1, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    content = encode('jpg', noise(), *options)
    places = restarts(content)
    for first, last in ((0, 1), (2, 9), (0, 8), (len(places) - 9, len(places) - 1)):
        lacking = content[: places[first]] + content[places[last] :]
        with pytest.raises(ImageError, match=r'with \d+ restart markers in turn before it, got \d'):
            decode_compressed(lacking)
    changed = bytearray(content)
    changed[places[3] + 1] ^= 1
    with pytest.raises(ImageError, match='restart markers in turn'):
        decode_compressed(bytes(changed))


def test_a_restart_marker_after_the_last_part_is_taken() -> None:
    content = encode('jpg', noise(), cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
    more = content[:-2] + bytes([0xFF, 0xD0 + len(restarts(content)) % 8]) + content[-2:]
    np.testing.assert_array_equal(decode_compressed(more).bgr(), decode_compressed(content).bgr())


def test_two_pictures_in_one_are_found() -> None:
    content = encode('jpg', noise())
    joined = content[: len(content) // 2] + content
    with pytest.raises(ImageError, match=r'expected a whole JPEG with no marker ff d8 at byte \d+'):
        decode_compressed(joined)


def test_a_scan_that_comes_twice_is_found() -> None:
    content = encode('jpg', noise())
    scan = content[content.index(b'\xff\xda') : -2]
    with pytest.raises(ImageError, match='with each component once before it'):
        decode_compressed(content[:-2] + scan + content[-2:])


def test_every_marker_that_has_no_place_is_found() -> None:
    content = encode('jpg', noise())
    scan = content.index(b'\xff\xda') + 40
    taken = {0x00, 0xFF, 0xD9}
    for kind in set(range(256)) - taken:
        broken = content[:scan] + bytes([0xFF, kind]) + content[scan:]
        with pytest.raises(ImageError, match='compressed image: expected a whole JPEG'):
            decode_compressed(broken)


@pytest.mark.parametrize(
    ('start', 'stop', 'sentence'),
    [
        (b'\xff\xc0', b'\xff\xda', 'a scan of a frame before it'),
        (b'\xff\xda', b'\xff\xd9', 'all components before its end'),
        (b'\xff\xdb', b'JFIF', 'expected a whole JPEG'),
    ],
)
def test_a_segment_that_is_missing_is_found(start: bytes, stop: bytes, sentence: str) -> None:
    content = encode('jpg', picture())
    first, last = sorted((content.index(start), content.rindex(stop)))
    with pytest.raises(ImageError, match=sentence):
        decode_compressed(content[:first] + content[last:])


def test_most_random_damage_is_found_and_none_does_harm() -> None:
    content = np.frombuffer(encode('jpg', noise(), cv2.IMWRITE_JPEG_RST_INTERVAL, 2), np.uint8)
    refused = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        broken = content.copy()
        places = generator.integers(2, len(broken), 30)
        broken[places] = generator.integers(0, 256, 30)
        try:
            image = decode_compressed(broken)
        except ImageError:
            refused += 1
        else:
            assert image.bgr().shape == (image.height, image.width, 3)
    assert refused > 50


@pytest.mark.parametrize('kind', ['jpg', 'png'])
@pytest.mark.parametrize('factor', [1, 2, 4, 8])
def test_a_jpeg_is_decoded_smaller_where_that_is_enough(kind: str, factor: int) -> None:
    flat = np.kron(picture(6, 8), np.ones((8, 8, 1), np.uint8))
    asked = []

    def reduction(size: tuple[int, int]) -> int:
        asked.append(size)
        return factor

    image = decode_compressed(encode(kind, flat, cv2.IMWRITE_JPEG_QUALITY, 100), reduction)
    assert image.size == (64, 48)
    reduced = factor if kind == 'jpg' else 1
    assert asked == [(64, 48)] * (kind == 'jpg')
    assert image.planes.shape == (48 // reduced, 64 // reduced, 3)
    assert np.abs(image.bgr((8, 6)).astype(int) - picture(6, 8)).max() < 25
    assert image.bgr().shape == (48, 64, 3)
    part = image.bgr(region=(16, 8, 24, 16))
    np.testing.assert_array_equal(part[1, 1], image.bgr((8, 6))[1, 2])


def test_a_thumbnail_is_not_taken_for_the_picture() -> None:
    thumbnail = encode('jpg', picture(8, 8))
    jpeg = encode('jpg', picture())
    segment = b'\xff\xe1' + struct.pack('>H', len(thumbnail) + 2) + thumbnail
    whole = jpeg[:2] + segment + jpeg[2:]
    assert decode_compressed(whole).size == (64, 48)
    with pytest.raises(ImageError, match='expected a whole JPEG'):
        decode_compressed(whole[:-200])
