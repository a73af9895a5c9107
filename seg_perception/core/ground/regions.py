"""Obstacles as connected regions of one class, with their place on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.bearings import Fan
from seg_perception.core.ground.runs import Runs
from seg_perception.core.labels import OBSTACLE, UNLABELLED, LabelSet

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ObstacleRegion:
    """A connected region of one obstacle class.

    What is on the ground is NaN where the foot is at the horizon, above it, or farther away than is
    believed. Boxes and points are in pixels of the label grid.

    :ivar label: trainId.
    :ivar box: left, top, width, height.
    :ivar pixels: how many it has.
    :ivar confidence: their mean, 0 to 1.
    :ivar foot: (column, row) of the middle of its lower end.
    :ivar foot_seen: whether ground is seen below the foot; otherwise the region goes on behind
        something or out of view, and is nearer than `range`, or as near.
    :ivar position: (x, y) of the foot on the ground, metres, vehicle frame.
    :ivar range: of the foot from the camera's, metres; `range_error` is its standard deviation.
    :ivar width: of the box at the foot's range, metres.
    """

    label: int
    box: tuple[int, int, int, int]
    pixels: int
    confidence: float
    foot: tuple[float, float]
    foot_seen: bool
    position: tuple[float, float]
    range: float
    range_error: float
    width: float


class RegionFinder:
    """Finds the obstacle regions of label images.

    Where two obstacle classes meet, one pixel beside their border is left out, so that one search
    finds the regions of all classes; a sliver of one pixel between two others is not found.

    :param min_pixels: smaller regions are left out.
    :param most: only the nearest so many are kept.
    :raises LabelError: when the label set has no group `obstacle`.
    """

    def __init__(self, fan: Fan, labels: LabelSet, *, min_pixels: int = 40, most: int = 64) -> None:
        self._fan = fan
        # Classes with their trainId, others with one number, so that only borders between
        # obstacles part regions.
        table = labels.group_table(OBSTACLE)
        self._kinds = np.where(table > 0, np.arange(256), UNLABELLED).astype(np.uint8)
        self._ground = (table == 0) & (np.arange(256) < len(labels.labels))
        self._min_pixels, self._most = min_pixels, most
        width, height = fan.size
        columns, rows = np.meshgrid(np.arange(width + 1) - 0.5, np.arange(height + 1) - 0.5)
        self._corners = fan.camera.ground(np.stack([columns, rows], axis=-1))

    def find(self, label: Image, confidence: Image) -> tuple[ObstacleRegion, ...]:
        """Return the regions of one frame, near ones first, those without a range at the end.

        :param label: trainIds, uint8 [H, W] of the fan's label grid.
        :param confidence: 0 to 255, uint8 [H, W].
        """
        kinds = np.asarray(cv2.LUT(label, self._kinds), np.uint8)
        if self._fan.own.any():
            kinds[self._fan.own] = UNLABELLED
        runs = Runs(_parted(kinds))
        sizes = runs.pixels()
        large = np.flatnonzero(sizes >= self._min_pixels)
        if not len(large):
            return ()
        every = runs.boxes()
        middle = runs.middles(every[:, 1] + every[:, 3] - 1)[large]
        boxes = every[large]
        left, top, width, height = boxes.T
        bottom = top + height - 1
        below = bottom + 1  # the corner below a pixel has the number of the pixel below
        sides = np.stack([self._corners[below, left], self._corners[below, left + width]])
        foot = (self._corners[below, middle] + self._corners[below, middle + 1]) / 2
        reach = np.hypot(*(foot - self._fan.camera.mount.foot).T)
        with np.errstate(invalid='ignore'):
            unknown = ~(reach <= self._fan.edge[-1])
        foot[unknown], sides[:, unknown], reach[unknown] = np.nan, np.nan, np.nan
        names = label[bottom, middle]
        found = zip(
            names.tolist(),
            boxes.tolist(),
            sizes[large].tolist(),
            _means(runs.numbers, confidence, large + 1, confidence[bottom, middle]).tolist(),
            np.stack([middle, bottom + 0.5], axis=1).tolist(),
            self._sees_ground(label, bottom, middle).tolist(),
            foot.tolist(),
            reach.tolist(),
            self._fan.error_at(reach).tolist(),
            np.hypot(*(sides[1] - sides[0]).T).tolist(),
            strict=True,
        )
        regions = (
            ObstacleRegion(
                name, tuple(box), pixels, mean / 255, tuple(foot), seen, tuple(at), *rest
            )
            for name, box, pixels, mean, foot, seen, at, *rest in found
        )
        return tuple(sorted(regions, key=_by_range)[: self._most])

    def _sees_ground(
        self, label: Image, bottom: npt.NDArray[np.intp], middle: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.bool_]:
        """Return whether the pixel below each foot is known and no obstacle."""
        below = np.minimum(bottom + 1, len(label) - 1)
        seen: npt.NDArray[np.bool_] = self._ground[label[below, middle]]
        return seen & (below > bottom) & ~self._fan.own[below, middle]


def _parted(kinds: Image) -> Image:
    """Return 1 for each obstacle, uint8 [H, W], but 0 where it meets one of another kind.

    That is looked for to the left and above. The first pixel of a row is compared with the end of
    the one above, so it may become 0, too.
    """
    flat, width = kinds.reshape(-1), kinds.shape[1]
    obstacle = flat != UNLABELLED
    part: Image = obstacle.astype(np.uint8)
    for back in (1, width - 1, width, width + 1):
        alike = flat[back:] == flat[:-back]
        alike |= ~obstacle[:-back]
        part[back:] &= alike.view(np.uint8)
    return part.reshape(kinds.shape)


def _means(
    numbers: npt.NDArray[Any],
    confidence: Image,
    wanted: npt.NDArray[np.intp],
    otherwise: Image,
) -> npt.NDArray[np.float64]:
    """Return the mean confidence of numbered regions, from some of their pixels."""
    some = numbers[::4, ::4].reshape(-1)
    count = np.bincount(some, minlength=wanted[-1] + 1)[wanted]
    total = np.bincount(some, confidence[::4, ::4].reshape(-1), minlength=wanted[-1] + 1)[wanted]
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)


def _by_range(region: ObstacleRegion) -> tuple[bool, float]:
    return isnan(region.range), region.range
