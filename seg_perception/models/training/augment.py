"""Random views of a labelled frame, as in the paper: scale, crop, flip, and light and colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED

Image = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]

_TRIES = 10


@dataclass(frozen=True)
class Augmentation:
    """What is varied; `Recipe` tells what each value means.

    :param width, height: size of the crop, which is the network's input.
    :param border: colour beyond the frame, RGB 0 to 255.
    """

    width: int
    height: int
    scale: tuple[float, float] = (0.5, 2.0)
    own_pixels: bool = False
    stretch: float = 1.2
    rotation: float = 0.0
    largest_share: float = 1.0
    color: str = 'camera'
    blur: float = 0.0
    border: tuple[float, ...] = (0.0, 0.0, 0.0)

    def __call__(
        self, bgr: Image, truth: Image, random: np.random.Generator
    ) -> tuple[Image, Image]:
        """Return an RGB crop [height, width, 3] and its trainIds; 255 beyond the frame's border."""
        size = (self.width, self.height)
        placements = self._placements(bgr.shape[1], bgr.shape[0], random)
        for _ in range(_TRIES):
            matrix = next(placements)
            label = cv2.warpAffine(
                truth, matrix, size, flags=cv2.INTER_NEAREST, borderValue=(UNLABELLED,)
            )
            if self.largest_share == 1 or _largest_share(np.asarray(label)) < self.largest_share:
                break
        image = cv2.warpAffine(
            bgr, matrix, size, flags=cv2.INTER_LINEAR, borderValue=self.border[::-1]
        )
        if self.blur and random.random() < self.blur:
            image = cv2.GaussianBlur(image, (5, 5), 0)
        rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        if self.color == 'camera':
            rgb = photometric(rgb, random)
        elif self.color == 'distortion':
            rgb = distortion(rgb, random)
        return rgb, np.asarray(label, np.uint8)

    def _placements(self, width: int, height: int, random: np.random.Generator) -> Iterator[Matrix]:
        """Draw zoom and rotation once, then one crop after another: matrices [2, 3]."""
        if self.own_pixels:
            x_zoom = y_zoom = random.uniform(*self.scale)
        else:
            zoom = np.exp(random.uniform(*np.log(self.scale)))
            x_zoom, y_zoom = self.width / width * zoom, self.height / height * zoom
        stretch = np.exp(random.uniform(-1, 1) * np.log(self.stretch) / 2)
        x_zoom, y_zoom = x_zoom * stretch, y_zoom / stretch
        scaled = np.array(
            [[x_zoom, 0, 0.5 * x_zoom - 0.5], [0, y_zoom, 0.5 * y_zoom - 0.5], [0, 0, 1]]
        )
        if self.rotation and random.random() < 0.5:
            centre = ((width * x_zoom - 1) / 2, (height * y_zoom - 1) / 2)
            angle = random.uniform(-self.rotation, self.rotation)
            scaled = np.vstack([cv2.getRotationMatrix2D(centre, angle, 1.0), [0, 0, 1]]) @ scaled
        while True:
            matrix = scaled[:2].copy()
            # The room left (negative: to be cut off) is shared at random between the borders.
            matrix[0, 2] += random.uniform() * (self.width - width * x_zoom)
            matrix[1, 2] += random.uniform() * (self.height - height * y_zoom)
            if random.random() < 0.5:
                matrix[0] *= -1
                matrix[0, 2] += self.width - 1
            yield matrix


def photometric(rgb: Image, random: np.random.Generator) -> Image:
    """Vary brightness, contrast, saturation, hue and sharpness, as other cameras would."""
    pixels = rgb.astype(np.float32)
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    pixels += (random.uniform(0.6, 1.4) - 1) * (pixels - grey[..., None])
    pixels *= random.uniform(0.92, 1.08, 3).astype(np.float32)
    contrast, brightness = random.uniform(0.7, 1.35), random.uniform(-24, 24)
    pixels = (pixels - pixels.mean()) * contrast + pixels.mean() + brightness
    if random.random() < 0.2:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.4, 1.2)))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def distortion(rgb: Image, random: np.random.Generator) -> Image:
    """Vary brightness, contrast, saturation and hue, each in every second frame.

    The distortion of Liu et al., SSD, arXiv:1512.02325: brightness by up to 32 grey levels,
    contrast and saturation by factors of 0.5 to 1.5, hue by up to 36 degrees; contrast comes
    before or after the colours.
    """
    contrast = random.uniform(0.5, 1.5) if random.random() < 0.5 else 1.0
    contrast_first = random.random() < 0.5
    if random.random() < 0.5:
        rgb = _linear(rgb, 1.0, random.uniform(-32, 32))
    if contrast_first:
        rgb = _linear(rgb, contrast, 0)
    saturation = random.uniform(0.5, 1.5) if random.random() < 0.5 else 1.0
    turn = random.integers(-18, 18) if random.random() < 0.5 else 0
    hsv = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), np.uint8)
    # OpenCV keeps hue in steps of two degrees.
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + turn) % 180
    hsv[..., 1] = _linear(hsv[..., 1], saturation, 0)
    rgb = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
    return np.asarray(rgb if contrast_first else _linear(rgb, contrast, 0))


def _linear(pixels: npt.NDArray[Any], factor: float, offset: float) -> Image:
    changed = pixels.astype(np.float32) * factor + offset
    return np.asarray(np.clip(changed, 0, 255), np.uint8)


def _largest_share(label: Image) -> float:
    """Return the share of the most frequent class among labelled pixels; 1 where there are none."""
    counts = np.bincount(label.ravel(), minlength=256)[:UNLABELLED]
    return float(counts.max() / counts.sum()) if counts.any() else 1.0
