"""Random views of a labelled frame, as in the paper: scale, crop, flip, and light and colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """What is varied.

    :param width, height: size of the crop, which is the network's input.
    :param scale: smallest and largest zoom; 1 fits the whole frame to the crop.
    :param stretch: largest change of the aspect ratio, as a factor.
    """

    width: int
    height: int
    scale: tuple[float, float] = (0.5, 2.0)
    stretch: float = 1.2

    def __call__(
        self, bgr: Image, truth: Image, random: np.random.Generator
    ) -> tuple[Image, Image]:
        """Return an RGB crop [height, width, 3] and its trainIds; 255 beyond the frame's border."""
        matrix = self._placement(bgr.shape[1], bgr.shape[0], random)
        size = (self.width, self.height)
        image = cv2.warpAffine(bgr, matrix, size, flags=cv2.INTER_LINEAR)
        label = cv2.warpAffine(
            truth, matrix, size, flags=cv2.INTER_NEAREST, borderValue=(UNLABELLED,)
        )
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return photometric(np.asarray(rgb, np.uint8), random), np.asarray(label, np.uint8)

    def _placement(
        self, width: int, height: int, random: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        zoom = np.exp(random.uniform(*np.log(self.scale)))
        stretch = np.exp(random.uniform(-1, 1) * np.log(self.stretch) / 2)
        x_zoom = self.width / width * zoom * stretch
        y_zoom = self.height / height * zoom / stretch
        # The room left (negative: to be cut off) is shared at random between the two borders.
        x_shift = random.uniform() * (self.width - width * x_zoom)
        y_shift = random.uniform() * (self.height - height * y_zoom)
        matrix = np.array(
            [
                [x_zoom, 0, x_shift + 0.5 * x_zoom - 0.5],
                [0, y_zoom, y_shift + 0.5 * y_zoom - 0.5],
            ]
        )
        if random.random() < 0.5:
            matrix[0] *= -1
            matrix[0, 2] += self.width - 1
        return matrix


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
