"""The finish: from logits to labels and confidence. Sizes are (width, height).

Label: logits up-sampled bilinearly to the label size, then argmax; the lowest index wins a tie.
Confidence: the largest softmax probability on the logits' grid, up-sampled bilinearly, x 255.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.finish_squares import Argmax, SquareLabels

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def finish_reference(
    logits: npt.NDArray[Any], size: tuple[int, int], align_corners: bool
) -> tuple[Image, Image]:
    """Finish by the definition, in float64 and slowly.

    :param logits: float [C, h, w], finite.
    :returns: label and confidence, uint8 [H, W] each.
    """
    exact = logits.astype(np.float64)
    rows = _interpolation(exact.shape[1], size[1], align_corners)
    columns = _interpolation(exact.shape[2], size[0], align_corners)
    label = np.argmax(rows @ exact @ columns.T, axis=0).astype(np.uint8)
    probabilities = np.exp(exact - exact.max(axis=0))
    confidence = 1 / probabilities.sum(axis=0)
    return label, np.rint(rows @ confidence @ columns.T * 255).astype(np.uint8)


class Finisher:
    """The same, through buffers that are kept between calls.

    Not for several threads at once. What it returns is new memory and the caller's own.
    """

    def __init__(
        self, classes: int, logits_size: tuple[int, int], size: tuple[int, int], align_corners: bool
    ) -> None:
        self._shape = (classes, logits_size[1], logits_size[0])
        self._plane = np.empty((size[1], size[0]), np.float32)
        self._upsample = upsampling(logits_size, size, align_corners)
        self._label: Callable[[Floats], Image] = self._streamed
        if not align_corners and not (size[0] % logits_size[0] or size[1] % logits_size[1]):
            self._label = SquareLabels(logits_size, size)
        else:
            self._argmax = Argmax(self._plane.size)

    def __call__(
        self, logits: npt.NDArray[Any], want_confidence: bool = True
    ) -> tuple[Image, Image | None]:
        """Finish one image.

        :param logits: float32 or float16 [C, h, w], finite.
        :returns: label and confidence (None unless wanted), uint8 [H, W] each.
        :raises ValueError: when the logits have another shape.
        """
        if logits.shape != self._shape:
            raise ValueError(f'logits: expected shape {self._shape}, got {logits.shape}')
        logits = np.ascontiguousarray(logits, np.float32)
        label = self._label(logits)
        if not want_confidence:
            return label, None
        confidence = 1 / np.exp(logits - logits.max(axis=0)).sum(axis=0)
        self._upsample(confidence, self._plane)
        return label, np.asarray(cv2.convertScaleAbs(self._plane, alpha=255), np.uint8)

    def _streamed(self, logits: Floats) -> Image:
        """Return the label, class by class at label size."""
        label = np.empty(self._plane.shape, np.uint8)
        self._argmax(enumerate(map(self._upsampled, logits)), label)
        return label

    def _upsampled(self, grid: Floats) -> Floats:
        self._upsample(grid, self._plane)
        return self._plane


def upsampling(
    source: tuple[int, int], target: tuple[int, int], align_corners: bool
) -> Callable[[Floats, Floats], None]:
    """Return a function that up-samples a grid bilinearly into an array.

    Both are float32, the first of size `source`, the second of size `target` and contiguous. The
    function is not for several threads at once.
    """
    if align_corners:
        return _AlignedUpsampling(source, target)

    def half_pixel(grid: Floats, out: Floats) -> None:
        cv2.resize(grid, target, dst=out, interpolation=cv2.INTER_LINEAR)

    return half_pixel


class _AlignedUpsampling:
    """Bilinear up-sampling with aligned corners, exact.

    cv2.resize follows the half-pixel rule only, cv2.warpAffine and cv2.remap round coordinates.
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        self._left, fraction = _neighbours(source[0], target[0], align_corners=True)
        self._right_share = fraction.astype(np.float32)
        self._above, fraction = _neighbours(source[1], target[1], align_corners=True)
        self._below_share = fraction.astype(np.float32)[:, np.newaxis]
        self._rise = np.empty((target[1], target[0]), np.float32)

    def __call__(self, grid: Floats, out: Floats) -> None:
        rises = np.diff(grid, axis=1, append=grid[:, -1:])
        wide = grid[:, self._left] + rises[:, self._left] * self._right_share
        rises = np.diff(wide, axis=0, append=wide[-1:])
        np.take(wide, self._above, axis=0, out=out, mode='clip')
        np.take(rises, self._above, axis=0, out=self._rise, mode='clip')
        np.multiply(self._rise, self._below_share, out=self._rise)
        np.add(out, self._rise, out=out)


def _neighbours(
    source: int, target: int, align_corners: bool
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return, for each target place, the source place at or before it and the way to the next."""
    places = np.arange(target, dtype=np.float64)
    if align_corners:
        places *= (source - 1) / max(target - 1, 1)
    else:
        places = (places + 0.5) * source / target - 0.5
    places = places.clip(0, source - 1)
    below = places.astype(np.intp)
    return below, places - below


def _interpolation(source: int, target: int, align_corners: bool) -> npt.NDArray[np.float64]:
    """Return the matrix [target, source] that interpolates linearly along one axis."""
    below, fraction = _neighbours(source, target, align_corners)
    matrix = np.zeros((target, source))
    index = np.arange(target)
    matrix[index, below] = 1 - fraction
    matrix[index, np.minimum(below + 1, source - 1)] += fraction
    return matrix
