from __future__ import annotations

from array import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.encodings import (
    KNOWN_ENCODINGS,
    MAX_SIDE,
    ImageError,
    RawImage,
    UnknownEncodingError,
    from_bgr,
    view_image,
)

WIDTH, HEIGHT = 6, 4
BYTES_PER_PIXEL = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono16': 2} | dict.fromkeys(
    ['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv'], 2
)


def view(encoding: str, data: Any, **fields: Any) -> RawImage:
    width = fields.get('width', WIDTH)
    defaults = {
        'width': width,
        'height': HEIGHT,
        'step': width * BYTES_PER_PIXEL.get(encoding, 1),
        'is_bigendian': False,
    }
    return view_image(encoding=encoding, data=data, **{**defaults, **fields})


def rows_of(encoding: str, height: int = HEIGHT) -> int:
    return height * 3 // 2 if encoding in ('nv12', 'nv21') else height


def samples(encoding: str, padding: int = 0) -> npt.NDArray[np.uint8]:
    """Random samples of a WIDTH x HEIGHT image, uint8 [rows, step]; its padding is 255."""
    shape = (rows_of(encoding), WIDTH * BYTES_PER_PIXEL.get(encoding, 1))
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    return np.pad(pixels, ((0, 0), (0, padding)), constant_values=255)


def test_the_known_encodings() -> None:
    assert set(KNOWN_ENCODINGS) == {
        *('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'mono16', 'nv12', 'nv21'),
        *('yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv'),
        *('bayer_rggb8', 'bayer_bggr8', 'bayer_gbrg8', 'bayer_grbg8'),
    }


@pytest.mark.parametrize('encoding', KNOWN_ENCODINGS)
@pytest.mark.parametrize('padding', [0, 2, 5])
def test_padded_rows_are_viewed_not_copied(encoding: str, padding: int) -> None:
    data = samples(encoding, padding)
    image = view(encoding, data, step=data.shape[1])
    assert np.shares_memory(image.planes, data)
    assert image.size == (WIDTH, HEIGHT)
    plain = view(encoding, samples(encoding).tobytes())
    np.testing.assert_array_equal(image.bgr(), plain.bgr())
    np.testing.assert_array_equal(image.rgb((8, 8)), plain.rgb((8, 8)))


@pytest.mark.parametrize('encoding', KNOWN_ENCODINGS)
def test_rgb_is_bgr_turned_round(encoding: str) -> None:
    image = view(encoding, samples(encoding).tobytes())
    for size in (None, (3, 2), (12, 9)):
        bgr, rgb = image.bgr(size), image.rgb(size)
        width, height = size or (WIDTH, HEIGHT)
        assert bgr.shape == (height, width, 3)
        assert bgr.dtype == np.uint8
        np.testing.assert_array_equal(rgb, bgr[:, :, ::-1])


@pytest.mark.parametrize('encoding', KNOWN_ENCODINGS)
@pytest.mark.parametrize('size', [None, (4, 2)])
def test_results_are_written_into_a_given_buffer(
    encoding: str, size: tuple[int, int] | None
) -> None:
    image = view(encoding, samples(encoding).tobytes())
    width, height = size or (WIDTH, HEIGHT)
    for convert in (image.bgr, image.rgb):
        batch = np.zeros((1, height, width, 3), np.uint8)
        convert(size, out=batch[0])
        np.testing.assert_array_equal(batch[0], convert(size))


@pytest.mark.parametrize('encoding', KNOWN_ENCODINGS)
@pytest.mark.parametrize('region', [(0, 0, 6, 4), (1, 1, 3, 2), (2, 0, 4, 3), (3, 2, 1, 2)])
def test_a_region_has_the_pixels_of_the_whole_image(
    encoding: str, region: tuple[int, int, int, int]
) -> None:
    data = samples(encoding, padding=2)
    image = view(encoding, data, step=data.shape[1])
    x, y, width, height = region
    for convert in (image.bgr, image.rgb):
        expected = convert()[y : y + height, x : x + width]
        np.testing.assert_array_equal(convert(region=region), expected)
        larger = np.zeros((9, 12, 3), np.uint8)[1:8, 2:12]  # rows apart from each other
        convert((10, 7), larger, region=region)
        resized = cv2.resize(expected, (10, 7), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(larger, resized)


@pytest.mark.parametrize('kind', [bytes, bytearray, memoryview, array, np.ndarray])
def test_any_buffer_is_taken(kind: type) -> None:
    pixels = samples('bgr8')
    data: Any = pixels.tobytes()
    if kind is array:
        data = array('B', data)
    elif kind is np.ndarray:
        data = pixels
    else:
        data = kind(data)
    expected = pixels.reshape(HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(view('bgr8', data).bgr(), expected)


def test_interleaved_colors() -> None:
    pixel = {'rgb8': [10, 20, 30], 'bgr8': [30, 20, 10]}
    pixel |= {'rgba8': [10, 20, 30, 99], 'bgra8': [30, 20, 10, 99]}
    for encoding, values in pixel.items():
        image = view(encoding, bytes(values * WIDTH * HEIGHT))
        assert image.rgb()[0, 0].tolist() == [10, 20, 30]
        assert image.bgr()[-1, -1].tolist() == [30, 20, 10]


@pytest.mark.parametrize('image', [None, np.zeros((4, 6), np.uint8), np.zeros((4, 6, 3))])
def test_what_is_no_bgr_image_is_refused(image: Any) -> None:
    with pytest.raises(
        ImageError, match=r'expected BGR, uint8 \[H, W, 3\], got (None|uint8|float)'
    ):
        from_bgr(image)


def test_views_of_pixels_that_are_right_already() -> None:
    data = samples('bgr8')
    assert np.shares_memory(view('bgr8', data).bgr(), data)
    assert np.shares_memory(from_bgr(data.reshape(HEIGHT, WIDTH, 3)).bgr(), data)


@pytest.mark.parametrize('byte_order', ['<', '>'])
@pytest.mark.parametrize('shift', [0, 1])
def test_mono16_in_both_byte_orders(byte_order: str, shift: int) -> None:
    values = np.array([0, 128, 129, 257, 32768, 65535], f'{byte_order}u2')
    data = b'\0' * shift + values.tobytes() + b'\0'
    image = view(
        'mono16',
        memoryview(data)[shift:],  # an odd address, too
        height=1,
        step=len(data) - shift,
        is_bigendian=byte_order == '>',
    )
    # 65535 / 255 = 257 levels make one.
    assert image.bgr()[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]
    assert image.rgb()[0, :, 2].tolist() == [0, 0, 1, 1, 128, 255]


def bt601(y: float, u: float, v: float) -> list[float]:
    """RGB of limited-range YUV by ITU-R BT.601."""
    luma, blue, red = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
    rgb = (luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
    return [float(np.clip(value, 0, 255)) for value in rgb]


YUV = [(81, 90, 200), (145, 54, 34), (41, 200, 110), (180, 128, 128)]


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')],
)
@pytest.mark.parametrize(('y', 'u', 'v'), YUV)
def test_yuv422_values(encoding: str, order: str, y: int, u: int, v: int) -> None:
    place = {'y': y, 'u': u, 'v': v}
    image = view(encoding, bytes([place[letter] for letter in order] * (WIDTH // 2) * HEIGHT))
    np.testing.assert_allclose(image.rgb()[1, 3], bt601(y, u, v), atol=1.5)


@pytest.mark.parametrize('encoding', ['nv12', 'nv21'])
@pytest.mark.parametrize(('y', 'u', 'v'), YUV)
def test_planar_yuv_values(encoding: str, y: int, u: int, v: int) -> None:
    chroma = [u, v] if encoding == 'nv12' else [v, u]
    data = bytes([y] * WIDTH * HEIGHT + chroma * (WIDTH // 2 * HEIGHT // 2))
    image = view(encoding, data)
    assert image.rgb().shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(image.rgb()[2, 1], bt601(y, u, v), atol=1.5)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_mosaic_of_a_plain_color(pattern: str) -> None:
    color = {'r': 200, 'g': 120, 'b': 40}
    tile = np.array([color[site] for site in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(tile, (4, 5))
    image = view(f'bayer_{pattern}8', mosaic, width=10, height=8)
    np.testing.assert_array_equal(image.rgb(), np.full((8, 10, 3), [200, 120, 40]))
    np.testing.assert_array_equal(image.bgr(), np.full((8, 10, 3), [40, 120, 200]))


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_sites_keep_their_sample(pattern: str) -> None:
    mosaic = np.random.default_rng(2).integers(0, 256, (8, 10), np.uint8)
    rgb = view(f'bayer_{pattern}8', mosaic, width=10, height=8).rgb()
    for site, letter in enumerate(pattern):
        rows, columns = slice(2 + site // 2, -2, 2), slice(2 + site % 2, -2, 2)
        channel = rgb[rows, columns, 'rgb'.index(letter)]
        np.testing.assert_array_equal(channel, mosaic[rows, columns])


@pytest.mark.parametrize('encoding', ['rgb8', 'bgra8', 'mono8'])
def test_resizing_comes_before_the_conversion_of_pixels(encoding: str) -> None:
    data = samples(encoding)
    image = view(encoding, data)
    expected = cv2.resize(image.bgr(), (4, 3), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(image.bgr((4, 3)), expected)


@pytest.mark.parametrize('encoding', ['yuyv', 'nv12', 'bayer_rggb8', 'mono16'])
def test_resizing_comes_after_the_conversion_of_samples(encoding: str) -> None:
    image = view(encoding, samples(encoding))
    expected = cv2.resize(image.rgb(), (4, 3), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(image.rgb((4, 3)), expected)


@pytest.mark.parametrize('encoding', KNOWN_ENCODINGS)
def test_agrees_with_cv_bridge(encoding: str) -> None:
    cv_bridge = pytest.importorskip('cv_bridge', reason='cv_bridge is not installed')
    data = samples(encoding)
    message = SimpleNamespace(
        encoding=encoding,
        width=WIDTH,
        height=HEIGHT,
        step=data.shape[1],
        is_bigendian=0,
        data=data.tobytes(),
    )
    try:
        expected = cv_bridge.CvBridge().imgmsg_to_cv2(message, 'bgr8')
    except (cv_bridge.CvBridgeError, RuntimeError, TypeError, ValueError) as error:
        pytest.skip(f'this cv_bridge cannot convert {encoding}: {error}')
    np.testing.assert_allclose(view(encoding, data).bgr(), expected, atol=1)


@pytest.mark.parametrize(
    ('encoding', 'fields', 'sentence'),
    [
        ('rgb8', {'width': 0}, r'image size: expected sides of 1 to 8192 pixels, got 0x4'),
        ('rgb8', {'height': 0}, r'got 6x0'),
        ('mono8', {'width': MAX_SIDE + 1}, r'expected sides of 1 to 8192 pixels, got 8193x4'),
        ('mono8', {'height': MAX_SIDE + 1}, r'got 6x8193'),
        ('rgb8', {'step': 17}, r'expected a step of at least 18 bytes, got 17; set `step`'),
        ('rgb8', {'step': 0}, r'expected a step of at least 18 bytes, got 0'),
        ('rgb8', {'step': 20}, r'with step 20: expected 80 bytes of data \(4 rows\), got 72'),
        ('rgb8', {'height': 3}, r'expected 54 bytes of data \(3 rows\), got 72'),
        (
            'rgb8',
            {'data': b''},
            r'expected 72 bytes of data \(4 rows\), got 0; the message was cut',
        ),
        ('rgb8', {'data': bytes(71)}, r'expected 72 bytes of data \(4 rows\), got 71'),
        ('nv12', {'data': bytes(24)}, r'expected 36 bytes of data \(6 rows\), got 24'),
        ('nv21', {'height': 3}, r'nv21 image: .*height that is one of 2, got 6x3; crop or pad'),
        ('yuyv', {'width': 5}, r'yuyv image: expected a width that is a multiple of 2.*got 5x4'),
        ('rgb8', {'data': [1, 2, 3]}, r'expected a contiguous buffer of bytes, got list'),
        ('rgb8', {'data': np.zeros((4, 36), np.uint8)[:, ::2]}, r'contiguous buffer.*got ndarray'),
    ],
)
def test_wrong_fields_are_named(encoding: str, fields: dict[str, Any], sentence: str) -> None:
    data = fields.pop('data', samples(encoding).tobytes())
    with pytest.raises(ImageError, match=sentence):
        view(encoding, data, **fields)


@pytest.mark.parametrize('encoding', ['', 'RGB8', '32FC1', 'rgb16', 'nv24'])
def test_an_unknown_encoding_lists_the_known(encoding: str) -> None:
    with pytest.raises(UnknownEncodingError) as caught:
        view(encoding, bytes(72))
    message = str(caught.value)
    assert f'got {encoding!r}' in message
    assert all(known in message for known in KNOWN_ENCODINGS)


def test_the_largest_side_is_taken() -> None:
    image = view('mono8', bytes(MAX_SIDE), width=MAX_SIDE, height=1)
    assert image.rgb((8, 1)).shape == (1, 8, 3)
