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

MAX_SIDE = 8192
"""The longest side of an image that is taken, in pixels."""


class ImageError(ValueError):
    """An image is not what it says it is; the text says what came and how to mend it."""


class UnknownEncodingError(ImageError):
    """The image's encoding is none of `KNOWN_ENCODINGS`."""


@dataclass(frozen=True)
class _Format:
    """How an encoding lies in memory and which OpenCV conversions lead to BGR and to RGB.

    A conversion of None means that the pixels are that already. `even` is the grid that width and
    height must be multiples of, as chroma is shared among neighbours.
    """

    channels: int
    to_bgr: int | None
    to_rgb: int | None
    dtype: str = 'u1'
    even: tuple[int, int] = (1, 1)
    planar: bool = False  # a chroma plane of height / 2 rows follows
    interpolates: bool = False  # neighbouring samples mean the same, so resizing comes first

    def rows(self, height: int) -> int:
        return height * 3 // 2 if self.planar else height


def _pixels(channels: int, to_bgr: int | None, to_rgb: int | None) -> _Format:
    return _Format(channels, to_bgr, to_rgb, interpolates=True)


_MONO16 = _Format(1, cv2.COLOR_GRAY2BGR, cv2.COLOR_GRAY2RGB, dtype='u2')
_UYVY = _Format(2, cv2.COLOR_YUV2BGR_UYVY, cv2.COLOR_YUV2RGB_UYVY, even=(2, 1))
_YUYV = _Format(2, cv2.COLOR_YUV2BGR_YUY2, cv2.COLOR_YUV2RGB_YUY2, even=(2, 1))
_NV12 = _Format(1, cv2.COLOR_YUV2BGR_NV12, cv2.COLOR_YUV2RGB_NV12, even=(2, 2), planar=True)
_NV21 = _Format(1, cv2.COLOR_YUV2BGR_NV21, cv2.COLOR_YUV2RGB_NV21, even=(2, 2), planar=True)

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
    'bayer_rggb8': _Format(1, cv2.COLOR_BayerBG2BGR, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': _Format(1, cv2.COLOR_BayerRG2BGR, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': _Format(1, cv2.COLOR_BayerGR2BGR, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': _Format(1, cv2.COLOR_BayerGB2BGR, cv2.COLOR_BayerGB2RGB),
}

KNOWN_ENCODINGS = tuple(_FORMATS)


@dataclass(frozen=True, eq=False)
class RawImage:
    """A camera image as it came: a view of the message's memory, nothing copied.

    `planes` is [height, width, channels] or [height, width], [height * 3 / 2, width] for nv12 and
    nv21, with the message's row step and, for mono16, its byte order.
    """

    encoding: str
    width: int
    height: int
    planes: npt.NDArray[Any]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height

    def bgr(self, size: tuple[int, int] | None = None, out: Image | None = None) -> Image:
        """Return the image as BGR, uint8 [H, W, 3], resized to `size` where given.

        Written into `out` (contiguous, of that shape) where given; else the result may be a view of
        the message's memory and must not be written to.
        """
        return self._convert(_FORMATS[self.encoding].to_bgr, size or self.size, out)

    def rgb(self, size: tuple[int, int] | None = None, out: Image | None = None) -> Image:
        """Return the image as RGB; otherwise as `bgr`."""
        return self._convert(_FORMATS[self.encoding].to_rgb, size or self.size, out)

    def _convert(self, code: int | None, size: tuple[int, int], out: Image | None) -> Image:
        image = self._samples()
        if size == self.size:
            return _recolor(image, code, out)
        if code is None or not _FORMATS[self.encoding].interpolates:
            return _resize(_recolor(image, code), size, out)
        return _recolor(_resize(image, size), code, out)

    def _samples(self) -> Image:
        if self.planes.dtype.itemsize == 1:
            return self.planes
        native = np.require(self.planes, np.uint16, 'A')
        return np.asarray(cv2.convertScaleAbs(native, alpha=255 / 65535), np.uint8)


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


def from_bgr(image: Image) -> RawImage:
    """Return a BGR image, uint8 [H, W, 3], as a `RawImage` without copying it."""
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
    across, down = form.even
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
