"""Camera images as zero-copy views, and their conversion to 8-bit BGR or RGB.

Encoding names are those of sensor_msgs/image_encodings. Sizes are (width, height) in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from array import array
    from typing import TypeAlias

    Data: TypeAlias = bytes | bytearray | memoryview | array[int] | npt.NDArray[Any]

Image = npt.NDArray[np.uint8]
Region = tuple[int, int, int, int]
"""x, y, width and height of a rectangle in pixels; (0, 0) is the first pixel's outer corner."""

MAX_SIDE = 8192
"""The longest side of an image that is taken, in pixels."""


class ImageError(ValueError):
    """An image is not what it says it is; the text says what came and how to mend it."""


class UnknownEncodingError(ImageError):
    """The image's encoding is none of `KNOWN_ENCODINGS`."""


@dataclass(frozen=True)
class _Format:
    """How an encoding lies in memory and which OpenCV conversions lead to BGR and to RGB.

    A conversion of None means that the pixels are that already. A `tile` of samples, across and
    down, has all of the colour; a conversion looks `halo` samples further.
    """

    channels: int
    to_bgr: int | None
    to_rgb: int | None
    dtype: str = 'u1'
    tile: tuple[int, int] = (1, 1)
    halo: int = 0
    planar: bool = False  # a chroma plane of height / 2 rows follows
    interpolates: bool = False  # neighbouring samples mean the same, so resizing comes first

    @property
    def shared(self) -> bool:
        """Whether a pixel's colour is in its neighbours' samples, too."""
        return self.tile != (1, 1)

    def rows(self, height: int) -> int:
        return height * 3 // 2 if self.planar else height


def _pixels(channels: int, to_bgr: int | None, to_rgb: int | None) -> _Format:
    return _Format(channels, to_bgr, to_rgb, interpolates=True)


def _mosaic(to_bgr: int, to_rgb: int) -> _Format:
    return _Format(1, to_bgr, to_rgb, tile=(2, 2), halo=2)


_MONO16 = _Format(1, cv2.COLOR_GRAY2BGR, cv2.COLOR_GRAY2RGB, dtype='u2')
_UYVY = _Format(2, cv2.COLOR_YUV2BGR_UYVY, cv2.COLOR_YUV2RGB_UYVY, tile=(2, 1))
_YUYV = _Format(2, cv2.COLOR_YUV2BGR_YUY2, cv2.COLOR_YUV2RGB_YUY2, tile=(2, 1))
_NV12 = _Format(1, cv2.COLOR_YUV2BGR_NV12, cv2.COLOR_YUV2RGB_NV12, tile=(2, 2), planar=True)
_NV21 = _Format(1, cv2.COLOR_YUV2BGR_NV21, cv2.COLOR_YUV2RGB_NV21, tile=(2, 2), planar=True)

_FORMATS = {
    'rgb8': _pixels(3, cv2.COLOR_RGB2BGR, None),
    'bgr8': _pixels(3, None, cv2.COLOR_BGR2RGB),
    'rgba8': _pixels(4, cv2.COLOR_RGBA2BGR, cv2.COLOR_RGBA2RGB),
    'bgra8': _pixels(4, cv2.COLOR_BGRA2BGR, cv2.COLOR_BGRA2RGB),
    'mono8': _pixels(1, cv2.COLOR_GRAY2BGR, cv2.COLOR_GRAY2RGB),
    'mono16': _MONO16,
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'nv12': _NV12,
    'nv21': _NV21,
    # ROS names the mosaic from its first pixel, these constants of OpenCV from its second row's
    # second pixel. (The constants that follow ROS are missing before OpenCV 4.5.3.)
    'bayer_rggb8': _mosaic(cv2.COLOR_BayerBG2BGR, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': _mosaic(cv2.COLOR_BayerRG2BGR, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': _mosaic(cv2.COLOR_BayerGR2BGR, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': _mosaic(cv2.COLOR_BayerGB2BGR, cv2.COLOR_BayerGB2RGB),
}

KNOWN_ENCODINGS = tuple(_FORMATS)


@dataclass(frozen=True, eq=False)
class RawImage:
    """A camera image as it came: a view of the message's memory, nothing copied.

    `planes` is [height, width, channels] or [height, width], [height * 3 / 2, width] for nv12 and
    nv21, with the message's row step and, for mono16, its byte order. Of a picture that was decoded
    at a lower resolution it has every `reduction`-th row and column; `width` and `height` are the
    camera's all the same.
    """

    encoding: str
    width: int
    height: int
    planes: npt.NDArray[Any]
    reduction: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height

    def bgr(
        self,
        size: tuple[int, int] | None = None,
        out: Image | None = None,
        *,
        region: Region | None = None,
    ) -> Image:
        """Return the image, or a region of it, as BGR, uint8 [H, W, 3], resized to `size` if given.

        Written into `out` (of that shape, its rows contiguous) where given; else the result may be
        a view of the message's memory and must not be written to. A region has the pixels that it
        has in the whole image.

        :param region: in the image; its numbers are multiples of `reduction`.
        """
        return self._convert(_FORMATS[self.encoding].to_bgr, size, out, region)

    def rgb(
        self,
        size: tuple[int, int] | None = None,
        out: Image | None = None,
        *,
        region: Region | None = None,
    ) -> Image:
        """Return the image, or a region of it, as RGB; otherwise as `bgr`."""
        return self._convert(_FORMATS[self.encoding].to_rgb, size, out, region)

    def _convert(
        self,
        code: int | None,
        size: tuple[int, int] | None,
        out: Image | None,
        region: Region | None,
    ) -> Image:
        region = region or (0, 0, *self.size)
        size = size or region[2:]
        form = _FORMATS[self.encoding]
        samples, place = self._around(region, form)
        if form.shared:
            samples = _recolor(samples, code)
            code = None
        image = _cut(samples, place)
        if size == (image.shape[1], image.shape[0]):
            return _recolor(image, code, out)
        if code is None or not form.interpolates:
            return _resize(_recolor(image, code), size, out)
        return _recolor(_resize(image, size), code, out)

    def _around(self, region: Region, form: _Format) -> tuple[Image, Region]:
        """Return samples as 8 bits that hold all of a region, and where in them it lies."""
        if form.planar:
            return self.planes, region
        x, y, width, height = (side // self.reduction for side in region)
        rows, columns = self.planes.shape[:2]
        left, right = _whole_tiles(x, x + width, form.tile[0], form.halo, columns)
        top, bottom = _whole_tiles(y, y + height, form.tile[1], form.halo, rows)
        samples = self.planes[top:bottom, left:right]
        if samples.dtype.itemsize > 1:
            native = np.require(samples, np.uint16, 'A')
            samples = np.asarray(cv2.convertScaleAbs(native, alpha=255 / 65535), np.uint8)
        return samples, (x - left, y - top, width, height)


def _whole_tiles(start: int, stop: int, tile: int, halo: int, most: int) -> tuple[int, int]:
    """Return the range of whole tiles that holds `start` to `stop` and a halo, within 0 to most."""
    return max(start - halo, 0) // tile * tile, min(-(-(stop + halo) // tile) * tile, most)


def _cut(image: Image, region: Region) -> Image:
    x, y, width, height = region
    return image[y : y + height, x : x + width]


def _recolor(image: Image, code: int | None, out: Image | None = None) -> Image:
    if code is not None:
        return np.asarray(cv2.cvtColor(image, code, dst=out), np.uint8)
    if out is None:
        return image
    np.copyto(out, image)
    return out


def _resize(image: Image, size: tuple[int, int], out: Image | None = None) -> Image:
    # Linear at every ratio, as the images that the models are trained on.
    return np.asarray(cv2.resize(image, size, dst=out, interpolation=cv2.INTER_LINEAR), np.uint8)


def from_bgr(image: Image | None) -> RawImage:
    """Return a BGR image, uint8 [H, W, 3], as a `RawImage` without copying it.

    :raises ImageError: when it is not such.
    """
    if image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = None if image is None else f'{image.dtype} {list(image.shape)}'
        raise ImageError(
            f'image: expected BGR, uint8 [H, W, 3], got {got}; cv2.imread(path) returns such, and '
            'None for a file that it cannot read'
        )
    check_size(image.shape[1], image.shape[0])
    height, width = image.shape[:2]
    return RawImage('bgr8', width, height, image)


def view_image(
    *, encoding: str, width: int, height: int, step: int, is_bigendian: bool, data: Data
) -> RawImage:
    """Return the image in the fields of a sensor_msgs/Image as a view of `data`.

    :raises UnknownEncodingError: when the encoding is none of `KNOWN_ENCODINGS`.
    :raises ImageError: when size, step and the length of `data` do not fit together.
    """
    form = _FORMATS.get(encoding)
    if form is None:
        known = ', '.join(KNOWN_ENCODINGS)
        raise UnknownEncodingError(
            f'image encoding: expected one of {known}, got {encoding!r}; '
            'set the camera driver to one of these or install cv_bridge'
        )
    check_size(width, height)
    # A mosaic may end within a tile: its conversion knows the edge.
    across, down = (1, 1) if form.halo else form.tile
    if width % across or height % down:
        raise ImageError(
            f'{encoding} image: expected a width that is a multiple of {across} and a height that '
            f'is one of {down}, got {width}x{height}; crop or pad the image in the camera driver'
        )
    dtype = np.dtype(form.dtype).newbyteorder('>' if is_bigendian else '<')
    row_bytes = width * form.channels * dtype.itemsize
    if step < row_bytes:
        raise ImageError(
            f'{encoding} image of width {width}: expected a step of at least {row_bytes} bytes, '
            f'got {step}; set `step` to the bytes of one row, padding included'
        )
    flat = as_bytes(data)
    rows = form.rows(height)
    # Longer data is refused too: it means that the step is wrong, and the image would be sheared.
    if flat.size != step * rows:
        raise ImageError(
            f'{encoding} image of {width}x{height} with step {step}: expected {step * rows} bytes '
            f'of data ({rows} rows), got {flat.size}; '
            'the message was cut short or its `step` is wrong'
        )
    pixel = form.channels * dtype.itemsize
    planes: npt.NDArray[Any] = np.ndarray(
        (rows, width, form.channels), dtype, buffer=flat, strides=(step, pixel, dtype.itemsize)
    )
    return RawImage(encoding, width, height, planes if form.channels > 1 else planes[:, :, 0])


def check_size(width: int, height: int) -> None:
    """Raise ImageError unless both sides are 1 to `MAX_SIDE` pixels."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ImageError(
            f'image size: expected sides of 1 to {MAX_SIDE} pixels, got {width}x{height}; '
            'set the camera to such a size'
        )


def as_bytes(data: Data) -> Image:
    """Return a buffer as uint8 [length] without copying it.

    :raises ImageError: when `data` is not one contiguous buffer.
    """
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError) as error:
        raise ImageError(
            f'image data: expected a contiguous buffer of bytes, got {type(data).__name__}; '
            f'fill it from bytes or array.array ({error})'
        ) from error
