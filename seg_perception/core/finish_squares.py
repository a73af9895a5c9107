"""Labels of up-sampled logits, from the squares between four logits each.

Bilinear interpolation is a mean of four logits with the same weights for every class. So where one
class wins at all four, it wins in all of the square between them, and nothing has to be
interpolated; of a street's squares that is about nine in ten.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

# So many pixels at once stay in the processor's cache.
_PIXELS = 1 << 15


class Argmax:
    """The number of the largest of several planes at each place; the first one wins a tie.

    Not for several threads at once.

    :param most: places of the largest planes.
    """

    def __init__(self, most: int) -> None:
        self._best = np.empty(most, np.float32)
        self._wins = np.empty(most, np.uint8)
        self._number = np.empty(most, np.uint8)

    def __call__(self, planes: Iterator[tuple[int, Floats]], label: Image) -> None:
        """Write the numbers.

        :param planes: numbers, 0 to 255, each with a plane, float32 [H, W], that is used before the
            next is taken; at least one.
        :param label: uint8 [H, W], contiguous.
        """
        best = self._best[: label.size].reshape(label.shape)
        wins = self._wins[: label.size].reshape(label.shape)
        numbers = self._number[: label.size].reshape(label.shape)
        first, plane = next(planes)
        np.copyto(best, plane)
        label.fill(first)
        for number, plane in planes:
            cv2.compare(plane, best, cv2.CMP_GT, dst=wins)
            cv2.max(plane, best, dst=best)
            numbers.fill(number)
            cv2.copyTo(numbers, wins, dst=label)


class SquareLabels:
    """Labels logits that are up-sampled by whole factors, half-pixel centres.

    Not for several threads at once.

    :param logits_size: (width, height) of the logits.
    :param size: (width, height) of the labels, multiples of it.
    """

    def __init__(self, logits_size: tuple[int, int], size: tuple[int, int]) -> None:
        columns, rows = logits_size
        self._size = size
        self._factors = across, down = size[0] // columns, size[1] // rows
        pixels = across * down
        self._weights = np.asarray(
            np.einsum('ya,xb->yxab', _weights(down), _weights(across)).reshape(pixels, 4),
            np.float32,
        )
        # Of each square: the logits above left, above right, below left and below right of it.
        # Where there is none, it is the one at the picture's edge.
        above, below = (np.arange(rows + 1) - shift for shift in (1, 0))
        left, right = (np.arange(columns + 1) - shift for shift in (1, 0))
        self._corners = np.stack(
            [
                np.add.outer(y.clip(0, rows - 1) * columns, x.clip(0, columns - 1)).ravel()
                for y in (above, below)
                for x in (left, right)
            ]
        )
        self._squares_at_once = max(1, _PIXELS // pixels)
        self._values = np.empty(pixels * self._squares_at_once, np.float32)
        self._winners = np.empty((rows, columns), np.uint8)
        self._argmax = Argmax(max(self._values.size, self._winners.size))

    def __call__(self, logits: Floats) -> Image:
        """Label one image.

        :param logits: [C, h, w], contiguous, finite.
        :returns: uint8 [H, W], new memory.
        """
        (width, height), (across, down) = self._size, self._factors
        rows, columns = self._winners.shape
        self._argmax(enumerate(logits), self._winners)
        winners = np.take(self._winners.reshape(-1), self._corners)
        wide = winners[0].reshape(rows + 1, columns + 1).repeat(across, axis=1)
        label = wide.repeat(down, axis=0)
        squares = label.reshape(rows + 1, down, columns + 1, across)
        mixed = np.flatnonzero((winners[1:] != winners[0]).any(axis=0))
        for start in range(0, len(mixed), self._squares_at_once):
            some = mixed[start : start + self._squares_at_once]
            corners = np.take(logits.reshape(len(logits), -1), self._corners[:, some], axis=1)
            y, x = np.divmod(some, columns + 1)
            squares[y, :, x, :] = self._interpolated(corners).reshape(-1, down, across)
        top, left = (down + 1) // 2, (across + 1) // 2
        return np.ascontiguousarray(label[top : top + height, left : left + width])

    def _interpolated(self, corners: Floats) -> Image:
        """Return the labels of N squares, [N, pixels], from their corners, [C, 4, N]."""
        # A class that is nowhere above what another has at least cannot win.
        least = corners.min(axis=1).max(axis=0)
        able = np.flatnonzero((corners.max(axis=1) >= least).any(axis=1))
        shape = len(self._weights), corners.shape[2]
        values = self._values[: shape[0] * shape[1]].reshape(shape)
        label = np.empty(shape, np.uint8)
        self._argmax(
            ((int(n), np.matmul(self._weights, corners[n], out=values)) for n in able), label
        )
        return np.swapaxes(label, 0, 1)


def _weights(factor: int) -> npt.NDArray[np.float64]:
    """Return the weights of both logits for each pixel along a side of a square, [pixels, 2]."""
    place = (np.arange(factor) - (factor + 1) // 2 + 0.5) / factor + 0.5
    return np.stack([1 - place, place], axis=1)
