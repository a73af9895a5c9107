"""Pictures for people: the free space in the camera image and from above. BGR."""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.bearings import Fan
from seg_perception.core.ground.free_space import End, FreeSpace
from seg_perception.core.ground.grid import FREE, OCCUPIED, Cells, GridSpec
from seg_perception.core.ground.regions import ObstacleRegion

Image = npt.NDArray[np.uint8]

FREE_COLOR = (110, 200, 60)
END_COLORS = {
    End.UNKNOWN: (150, 150, 150),
    End.GROUND: (40, 200, 240),
    End.OBSTACLE: (60, 80, 235),
    End.OPEN: (110, 200, 60),
}
"""Blue, green, red."""

_BACK, _LINE, _TEXT = (34, 30, 28), (84, 78, 74), (225, 225, 225)
_RING = 10
"""Metres between two rings around the vehicle."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX


class FreeSpaceOverlay:
    """Paints the free space and the obstacles' ranges into camera images."""

    def __init__(self, fan: Fan) -> None:
        self._fan = fan
        self._place, self._reach = fan.pixel_places()
        self._ends = np.array([END_COLORS[end] for end in End], np.uint8)

    def mask(self, free: FreeSpace) -> Image:
        """Return the pixels that show free ground, uint8 [H, W] of the label grid: 255 or 0."""
        free_pixels = self._reach < free.range[self._place]
        return np.asarray(free_pixels * np.uint8(255))

    def paint(
        self, bgr: Image, free: FreeSpace, obstacles: tuple[ObstacleRegion, ...] = ()
    ) -> Image:
        """Return a copy of an image, [H, W, 3] of any size, that shows what the label grid does."""
        size = (bgr.shape[1], bgr.shape[0])
        mask = cv2.resize(self.mask(free), size, interpolation=cv2.INTER_NEAREST_EXACT)
        tinted = cv2.addWeighted(bgr, 0.55, np.full_like(bgr, FREE_COLOR), 0.45, 0)
        picture: Image = bgr.copy()
        cv2.copyTo(tinted, mask, picture)
        scale = np.array(size) / self._fan.size
        pixels = (self._fan.camera.pixels(free.points) + 0.5) * scale - 0.5
        shown = (free.range > 0) & ~np.isnan(pixels[:, 0])
        radius = max(1, round(scale[0]))
        for (u, v), color in zip(pixels[shown], self._ends[free.end[shown]], strict=True):
            cv2.circle(picture, (round(u), round(v)), radius, color.tolist(), -1)
        for region in obstacles:
            if region.foot_seen and np.isfinite(region.range):
                _label_region(picture, region, scale)
        return picture


def _label_region(picture: Image, region: ObstacleRegion, scale: npt.NDArray[np.float64]) -> None:
    left, top, width, height = region.box
    corners = np.rint([(left, top) * scale, (left + width, top + height) * scale]).astype(int)
    color = END_COLORS[End.OBSTACLE]
    cv2.rectangle(picture, corners[0].tolist(), corners[1].tolist(), color, 1)
    foot = (int(corners[0, 0]), int(corners[1, 1]) + 11)
    cv2.putText(picture, f'{region.range:.1f} m', foot, _FONT, 0.36, _TEXT, 1, cv2.LINE_AA)


def birds_eye(
    spec: GridSpec, cells: Cells, views: tuple[FreeSpace, ...] = (), *, pixels_per_cell: int = 3
) -> Image:
    """Return a grid from above, forward up: free green, occupied red, unknown dark.

    The ends of the free space of each camera are dots in the colours of `END_COLORS`; rings around
    the vehicle's origin are 10 m apart.
    """
    colors = np.array([_BACK, FREE_COLOR, END_COLORS[End.OBSTACLE]], np.uint8)
    codes = (cells == FREE) + 2 * (cells == OCCUPIED)
    scale = pixels_per_cell / spec.resolution
    upright = cv2.rotate(colors[codes], cv2.ROTATE_180).transpose(1, 0, 2)
    size = (spec.shape[0] * pixels_per_cell, spec.shape[1] * pixels_per_cell)
    picture = np.asarray(cv2.resize(upright, size, interpolation=cv2.INTER_NEAREST), np.uint8)

    def at(x: float, y: float) -> tuple[int, int]:
        return round((spec.y_max - y) * scale), round((spec.x_max - x) * scale)

    farthest = float(np.hypot(max(abs(spec.x_min), spec.x_max), max(abs(spec.y_min), spec.y_max)))
    for ring in range(_RING, ceil(farthest), _RING):
        cv2.circle(picture, at(0, 0), round(ring * scale), _LINE, 1, cv2.LINE_AA)
        if ring < floor(spec.x_max):
            cv2.putText(picture, f'{ring} m', at(ring, -0.2), _FONT, 0.36, _TEXT, 1, cv2.LINE_AA)
    for free in views:
        for (x, y), end, reach in zip(free.points, free.end, free.range, strict=True):
            if reach > 0:
                cv2.circle(picture, at(x, y), 1, END_COLORS[End(end)], -1)
        corner = at(*free.origin)
        cv2.drawMarker(picture, corner, _TEXT, cv2.MARKER_TRIANGLE_UP, 9, 2)
    return picture
