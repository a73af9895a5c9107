"""Pictures for pages about runs, as data URIs."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import LabelSet
from seg_perception.core.paint import colorize, overlay

Image = npt.NDArray[np.uint8]

WIDTH = 480
DIFFERENCE = (235, 60, 50)
"""Red, green, blue."""

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80]


def shown_size(size: tuple[int, int], width: int = WIDTH) -> tuple[int, int]:
    """Return the (width, height) at which an image of a size is shown."""
    scale = min(1.0, width / size[0])
    return round(size[0] * scale), max(1, round(size[1] * scale))


def camera_picture(image: Image, width: int = WIDTH) -> str:
    """Return a camera image, BGR."""
    return _jpeg(_shrunk(image, shown_size(image.shape[1::-1], width)))


def label_picture(label: Image, labels: LabelSet, image: Image | None, width: int = WIDTH) -> str:
    """Return a label image in its colours, over the camera image where there is one."""
    size = shown_size(label.shape[::-1], width)
    small = _nearest(label, size)
    if image is None:
        return _jpeg(colorize(small, labels.color_table()))
    view = _shrunk(image, size)
    overlay(view, small, colorize(small, labels.color_table()), 0.55)
    return _jpeg(view)


def difference_picture(first: Image, second: Image, image: Image | None) -> str:
    """Return a camera image in grey, with the pixels in red where two label images differ.

    A pixel of the picture is red where any pixel below it differs.
    """
    size = shown_size(first.shape[::-1])
    if image is None:
        view = np.full((size[1], size[0], 3), 96, np.uint8)
    else:
        grey = cv2.cvtColor(_shrunk(image, size), cv2.COLOR_BGR2GRAY)
        view = np.repeat(grey[..., np.newaxis], 3, axis=2)
    differs = (first != second).astype(np.float32)
    view[cv2.resize(differs, size, interpolation=cv2.INTER_AREA) > 0] = DIFFERENCE[::-1]
    return _jpeg(view)


def _shrunk(image: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _nearest(label: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _jpeg(image: Image) -> str:
    data = cv2.imencode('.jpg', image, _JPEG)[1].tobytes()
    return f'data:image/jpeg;base64,{base64.b64encode(data).decode()}'
