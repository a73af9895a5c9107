"""How far the ground is free on every bearing, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.bearings import Fan
from seg_perception.core.ground.undersides import close_undersides
from seg_perception.core.labels import DRIVABLE, OBSTACLE, UNLABELLED, LabelSet

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


_HIGHEST_UNDERSIDE = 0.4
_LONGEST_WHEELBASE = 3.5
"""Metres, of cars and vans."""


class End(IntEnum):
    """What ends the free space on a bearing."""

    UNKNOWN = 0
    """Nothing is known farther on: unlabelled, unsure, or out of view."""
    GROUND = 1
    """Ground that is not drivable, such as a sidewalk behind its kerb."""
    OBSTACLE = 2
    """Something that stands up and would be hit."""
    OPEN = 3
    """Nothing: it is free to the farthest range that is believed."""


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """The free space around a camera's foot, one entry a bearing; vehicle frame, metres, radians.

    Free is what lies on a bearing from `near` to `range`. Nearer than `near` the camera sees no
    ground. Where `range` is 0 nothing is known to be free.

    :ivar origin: (x, y) of the camera's foot, that bearings and ranges begin at.
    :ivar bearing: [B] float32, ascending in even steps, to the left; they may go on beyond pi.
    :ivar near: [B] float32; NaN where no ground is in view.
    :ivar range: [B] float32.
    :ivar range_error: [B] float32, standard deviation of `range`.
    :ivar end: [B] uint8, what ends it: `End`.
    :ivar label: [B] uint8, the trainId that ends it; 255 for End.UNKNOWN and End.OPEN.
    :ivar trust: [B] float32, confidence (0 to 1) of the pixel that ends it, for End.OPEN of the
        last free one; 0 for what is out of view.
    :ivar points: [B, 2] float32, (x, y) where it ends.
    """

    origin: tuple[float, float]
    bearing: Floats
    near: Floats
    range: Floats
    range_error: Floats
    end: Image
    label: Image
    trust: Floats
    points: Floats

    def scan(self) -> Floats:
        """Return the ranges of a sensor_msgs/LaserScan around `origin`, [B], by REP-117.

        NaN where nothing is known, infinite where nothing ends the free space, minus infinite where
        an obstacle or a kerb is nearer than the first ground in view.
        """
        ranges = np.where(self.range > 0, self.range, -np.inf)
        ranges = np.where(self.end == End.OPEN, np.inf, ranges)
        return np.where(self.end == End.UNKNOWN, np.nan, ranges).astype(np.float32)


class FreeSpaceFinder:
    """Finds the free space in label images: one look-up and one search along each bearing.

    :param min_drivable: confidence (0 to 255) from which a drivable label is believed.
    :param min_label: confidence (0 to 255) below which any label but an obstacle's is unknown.
    :raises LabelError: when the label set has no group `drivable` or `obstacle`.
    """

    def __init__(self, fan: Fan, labels: LabelSet, *, min_drivable: int, min_label: int) -> None:
        self.fan = fan
        self._not_drivable = (labels.group_table(DRIVABLE) == 0).astype(np.uint8)
        self._obstacle = labels.group_table(OBSTACLE) > 0
        self._min_drivable, self._min_label = max(min_drivable, min_label), min_label
        # One number a pixel; before the first ground in view the search just goes on.
        self._blocked = np.ones(fan.unseen + 1, np.uint8)
        self._blocked[fan.blind] = 0
        self._index = fan.index.astype(np.intp)
        self._near = fan.near.astype(np.float32)
        self._bearing = fan.bearing.astype(np.float32)
        self._away = np.stack([np.cos(fan.bearing), np.sin(fan.bearing)], axis=-1)
        height = fan.camera.mount.height
        # Below an underside the view of the ground ends this much farther away than the obstacle.
        self._jump = height / max(height - _HIGHEST_UNDERSIDE, 0.1 * height)
        x, y = fan.camera.mount.foot.tolist()
        self._origin = (x, y)

    def find(self, label: Image, confidence: Image) -> FreeSpace:
        """Return the free space of one frame.

        :param label: trainIds, uint8 [H, W] of the fan's label grid.
        :param confidence: 0 to 255, uint8 [H, W].
        """
        fan = self.fan
        blocked = self._blocked[: fan.blind].reshape(label.shape)
        level = self._min_drivable - 1
        _, unsure = cv2.threshold(confidence, level, 1, cv2.THRESH_BINARY_INV)
        cv2.bitwise_or(cv2.LUT(label, self._not_drivable), unsure, dst=blocked)
        rows = self._blocked.take(self._index).view(np.bool_)
        first = rows.argmax(axis=1)
        each = np.arange(len(first))
        ended = rows[each, first]
        samples = rows.shape[1]
        first[~ended] = samples
        pixel = fan.index[each, np.minimum(first, samples - 1)]
        in_view = pixel < fan.blind
        pixel[~in_view] = 0
        trust = np.where(in_view, confidence.reshape(-1)[pixel], 0)
        name = np.where(in_view & ended, label.reshape(-1)[pixel], UNLABELLED)
        # A drivable label ends free space only where it is unsure.
        known = (self._not_drivable[name] > 0) & (trust >= self._min_label) & (name != UNLABELLED)
        end = np.where(known, np.uint8(End.GROUND), np.uint8(End.UNKNOWN))
        end[self._obstacle[name]] = End.OBSTACLE
        end[~ended] = End.OPEN
        name[end == End.UNKNOWN] = UNLABELLED
        reached = np.where(first > fan.start, fan.edge[first], 0.0)
        reached = close_undersides(
            reached[:, None] * self._away,
            reached,
            end == End.OBSTACLE,
            jump=self._jump,
            gap=_LONGEST_WHEELBASE,
        )
        return FreeSpace(
            origin=self._origin,
            bearing=self._bearing,
            near=self._near,
            range=reached.astype(np.float32),
            range_error=fan.error_at(reached).astype(np.float32),
            end=end,
            label=name.astype(np.uint8),
            trust=(trust / 255).astype(np.float32),
            points=(fan.camera.mount.foot + reached[:, None] * self._away).astype(np.float32),
        )
