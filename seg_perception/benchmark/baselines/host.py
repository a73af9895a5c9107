"""What the plain paths do before and after the network: OpenCV and numpy, as one would write it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

TO_RGB = {
    'rgb8': None,
    'bgr8': cv2.COLOR_BGR2RGB,
    'rgba8': cv2.COLOR_RGBA2RGB,
    'bgra8': cv2.COLOR_BGRA2RGB,
}


class Outputs(NamedTuple):
    """Label (trainIds) and masks (0 or 255), uint8 [H, W] each, at the camera's size."""

    label: Image
    drivable: Image
    obstacle: Image


def prepare(image: Image, encoding: str, size: tuple[int, int]) -> Image:
    """Return a camera image, uint8 [H, W, C], as RGB at the network's size (width, height)."""
    small = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    code = TO_RGB[encoding]
    return np.asarray(small if code is None else cv2.cvtColor(small, code), np.uint8)


def masks(label: Image, size: tuple[int, int], drivable: Image, obstacle: Image) -> Outputs:
    """Return what is published of a label, uint8 [h, w], at the camera's size (width, height).

    :param drivable: and `obstacle`: 255 for each trainId of the group, else 0, uint8 [256].
    """
    large = np.asarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    return Outputs(large, drivable[large], obstacle[large])
