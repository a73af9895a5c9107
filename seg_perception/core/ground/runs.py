"""Connected regions of an image as runs: stretches of pixels, each in one row."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.intp]


class Runs:
    """The runs of the regions that touch at sides or corners, in the order of their pixels.

    Boxes and sizes are found from some thousand runs instead of from all pixels: OpenCV's own
    statistics take three times as long as its search for the regions.

    :ivar count: of the regions.
    :ivar region: [R], which region a run is of, from 0.
    :ivar row, column, length: [R], where it begins and how many pixels it has.
    :ivar numbers: int32 [H, W], the region of each pixel and one more; 0 in none.

    :param part: uint8 [H, W], not 0 in regions.
    """

    def __init__(self, part: Image) -> None:
        height, width = part.shape
        found, self.numbers = cv2.connectedComponentsWithAlgorithm(
            part, 8, cv2.CV_32S, cv2.CCL_GRANA
        )
        self.count = found - 1
        # No run goes on in the next row: one pixel on each side of a row is in no region.
        inside = np.zeros((height, width + 2), np.bool_)
        np.not_equal(part, 0, out=inside[:, 1:-1])
        flat = inside.reshape(-1)
        start, stop = (np.flatnonzero(flat[1:] != flat[:-1]) + 1).reshape(-1, 2).T
        self.row, padded = np.divmod(start, width + 2)
        self.column, self.length = padded - 1, stop - start
        self.region: Numbers = self.numbers[self.row, self.column].astype(np.intp) - 1

    def pixels(self) -> Numbers:
        """Return how many pixels each region has."""
        sizes = np.bincount(self.region, self.length, self.count)
        return sizes.astype(np.intp)

    def boxes(self) -> Numbers:
        """Return left, top, width and height of each region, [count, 4]."""
        top, bottom = np.empty(self.count, np.intp), np.empty(self.count, np.intp)
        # Of what is written to one place the last stays: runs come in the order of their rows.
        top[self.region[::-1]] = self.row[::-1]
        bottom[self.region] = self.row
        left, right = np.full(self.count, self.numbers.shape[1]), np.zeros(self.count, np.intp)
        np.minimum.at(left, self.region, self.column)
        np.maximum.at(right, self.region, self.column + self.length)
        return np.stack([left, top, right - left, bottom + 1 - top], axis=1)

    def middles(self, row: Numbers) -> Numbers:
        """Return the column in the middle of the pixels that each region has in one row, [count].

        :param row: of each region; it has pixels there.
        """
        there = np.flatnonzero(self.row == row[self.region])
        there = there[np.argsort(self.region[there], kind='stable')]
        length = self.length[there]
        last = length.cumsum()
        pixels = np.bincount(self.region[there], length, self.count).astype(np.intp)
        middle = pixels.cumsum() - pixels + pixels // 2
        run = np.searchsorted(last, middle, side='right')
        columns: Numbers = self.column[there][run] + middle - (last - length)[run]
        return columns
