"""Where a camera's pixels lie in the network's labels, and labels back on the camera's pixels.

All of it is exact: rectangles of whole numbers, and nearest neighbour by pixel centres. The centre
of pixel i of n lies at the share (i + 0.5) / n of its picture. Sizes are (width, height).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.camera import crop_intrinsics, scale_intrinsics
from seg_perception.core.encodings import Region

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Placement:
    """How images of one size lie in the network's input, and labels on what is published.

    `restore` works in buffers of its own: not for several threads at once.

    :ivar image_size: of the camera's images.
    :ivar label_size: of what the network makes.
    :ivar output_size: of what is published.
    :ivar seen: the camera pixels that the network sees.
    :ivar shown: the label pixels that show them.
    :ivar framed: the camera pixels that are published.
    """

    image_size: tuple[int, int]
    label_size: tuple[int, int]
    output_size: tuple[int, int]
    seen: Region
    shown: Region
    framed: Region

    def restore(self, picture: Image, fill: int, out: Image | None = None) -> Image:
        """Return a picture of labels at the size that is published, by nearest neighbour.

        Where no side is published smaller than `shown`, nothing is lost: the published pixel at the
        centre of a label's square has that label.

        :param picture: uint8 [h, w], at label size.
        :param fill: the value where the network saw nothing.
        :param out: contiguous uint8 [H, W] to write into; else it is made.
        :raises ValueError: when the picture has another size.
        """
        if picture.shape != self.label_size[::-1]:
            raise ValueError(
                f'picture: expected (height, width) {self.label_size[::-1]} as the network labels, '
                f'got {picture.shape}'
            )
        width, height = self.output_size
        if out is None:
            out = np.empty((height, width), np.uint8)
        x, y, across, down = self.shown
        rows = self._rows
        out[: rows.start] = fill
        out[rows.stop :] = fill
        wide = self._widen(picture[y : y + down, x : x + across], fill)
        np.take(wide, rows.cells, axis=0, out=out[rows.start : rows.stop], mode='clip')
        return out

    def sample(self, picture: Image) -> Image:
        """Return a picture of the whole camera image, uint8 [h, w], at the published pixels.

        By nearest neighbour; the picture may be of any size.
        """
        (width, height), (x, y, across, down) = self.output_size, self.framed
        columns = _Line.through(width, (x, across), (0, self.image_size[0]), picture.shape[1])
        rows = _Line.through(height, (y, down), (0, self.image_size[1]), picture.shape[0])
        return picture[np.ix_(rows.cells, columns.cells)]

    def count(self, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return how many published pixels of a choice each label pixel became, [h, w].

        :param where: bool [H, W] at the published size.
        """
        rows, columns = self._rows, self._columns
        x, y, across, down = self.shown
        chosen = where[rows.start : rows.stop, columns.start : columns.stop]
        by_row = np.zeros((down, chosen.shape[1]), np.int64)
        np.add.at(by_row, rows.cells, chosen)
        by_column = np.zeros((across, down), np.int64)
        np.add.at(by_column, columns.cells, by_row.T)
        counts = np.zeros(self.label_size[::-1], np.int64)
        counts[y : y + down, x : x + across] = by_column.T
        return counts

    @cached_property
    def shares(self) -> int | npt.NDArray[np.int64]:
        """How many published pixels each label pixel became, [h, w]; one number if all alike."""
        shares = self.count(np.ones(self.output_size[::-1], np.bool_))
        return int(shares[0, 0]) if (shares == shares[0, 0]).all() else shares

    def intrinsics(self, k: Iterable[float], p: Iterable[float]) -> tuple[list[float], list[float]]:
        """Return K and P of what is published.

        :param k: camera matrix of the camera's images, 9 numbers, row-major.
        :param p: projection matrix of the same, 12 numbers, row-major.
        """
        x, y, *size = self.framed
        k, p = crop_intrinsics(k, p, (x, y))
        return scale_intrinsics(k, p, (size[0], size[1]), self.output_size)

    @cached_property
    def _columns(self) -> _Line:
        framed, seen = self.framed, self.seen
        return _Line.through(
            self.output_size[0], (framed[0], framed[2]), (seen[0], seen[2]), self.shown[2]
        )

    @cached_property
    def _rows(self) -> _Line:
        framed, seen = self.framed, self.seen
        return _Line.through(
            self.output_size[1], (framed[1], framed[3]), (seen[1], seen[3]), self.shown[3]
        )

    def _widen(self, part: Image, fill: int) -> Image:
        """Return the rows of a picture as wide as what is published."""
        columns, width = self._columns, self.output_size[0]
        # Whole columns are copied as rows of the transposed picture: numpy takes single bytes from
        # a row ten times as slowly.
        if not columns.cells.size:
            return np.full((len(part), width), fill, np.uint8)
        turned, stretched, wide = self._buffers
        cv2.transpose(part, dst=turned)
        stretched[: columns.start] = fill
        stretched[columns.stop :] = fill
        np.take(
            turned,
            columns.cells,
            axis=0,
            out=stretched[columns.start : columns.stop],
            mode='clip',
        )
        cv2.transpose(stretched, dst=wide)
        return wide

    @cached_property
    def _buffers(self) -> tuple[Image, Image, Image]:
        width, (*_, across, height) = self.output_size[0], self.shown
        return (
            np.empty((across, height), np.uint8),
            np.empty((width, height), np.uint8),
            np.empty((height, width), np.uint8),
        )


@dataclass(frozen=True)
class _Line:
    """Along one side: the published pixels `start` to `stop` show these `cells` of the labels."""

    start: int
    stop: int
    cells: npt.NDArray[np.intp]

    @classmethod
    def through(
        cls, pixels: int, framed: tuple[int, int], seen: tuple[int, int], cells: int
    ) -> _Line:
        """Follow each published pixel's centre to the camera and on into the labels.

        :param pixels: how many are published.
        :param framed: start and length of what they show, in camera pixels.
        :param seen: start and length of what the cells show, in camera pixels.
        """
        # In units of 1 / (2 * pixels) of a camera pixel, from the start of what is seen: whole
        # numbers, which do not round.
        unit = 2 * pixels
        centres = (2 * np.arange(pixels, dtype=np.int64) + 1) * framed[1]
        centres += unit * (framed[0] - seen[0])
        length = unit * seen[1]
        start, stop = (int(edge) for edge in np.searchsorted(centres, (0, length)))
        return cls(start, stop, (centres[start:stop] * cells // length).astype(np.intp))
