"""Shadows on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array, View
from seg_perception.sim.canvas import NEAR, clipped, fill_mask, fixed_point
from seg_perception.sim.facades import House
from seg_perception.sim.foliage import Plant
from seg_perception.sim.ground import first_row
from seg_perception.sim.light import Light
from seg_perception.sim.shapes import ellipse
from seg_perception.sim.things import Placed

_DARK_BELOW = ('car', 'rider', 'bicycle', 'person')
_REACH = 45.0
"""Shadows farther ahead are too flat to be seen, metres."""


def shade_ground(
    ground: npt.NDArray[np.uint8],
    view: View,
    light: Light,
    things: Sequence[Placed],
    houses: Sequence[House],
) -> None:
    """Darken the part of a frame that `Ground.paint` painted where sun or sky is hidden."""
    if light.casts_shadows:
        x, y, z = light.sun
        near = [placed for placed in things if placed.x < view.x + _REACH]
        outlines = [line for item in (*houses, *near) for line in _cast(item, (-x / z, -y / z))]
        bright = light.ambient + light.direct * light.sun[2]
        _darken(ground, view, outlines, light.ambient / bright)
    under = [placed.footprint for placed in things if placed.thing.name in _DARK_BELOW]
    _darken(ground, view, under, 0.6)


@lru_cache(maxsize=1024)
def _cast(placed: Placed | House, fall: tuple[float, float]) -> list[Array]:
    """Return the shadow of one thing; `fall` is how far the sun throws a height of one metre.

    Kept for the next frame, where it serves again unless the thing has moved.
    """
    move, foot = np.array(fall), placed.footprint
    if isinstance(placed, House):
        return [_swept(foot, move * placed.facade.height)]
    thing = placed.thing
    if not isinstance(thing, Plant):
        return [_swept(foot, move * thing.height * 0.85)]
    radius = thing.spread * 0.45
    x, y = move * thing.height * 0.6 + (placed.x, placed.y)
    return [ellipse(x, y, radius, radius, 10), _swept(foot, move * thing.height * 0.5)]


def _swept(base: Array, move: Array) -> Array:
    """Return the hull of a footprint [N, 2] and of its copy moved by the shadow's length."""
    points = np.concatenate([base, base + move]).astype(np.float32)
    return np.asarray(cv2.convexHull(points)[:, 0])


def _darken(
    ground: npt.NDArray[np.uint8], view: View, outlines: Sequence[Array], share: float
) -> None:
    if not outlines:
        return
    points = np.concatenate(outlines)
    pixels = view.project(np.column_stack([points, np.zeros(len(points))]))
    mask = np.zeros(ground.shape[:2], np.uint8)
    top = first_row(view)
    pixels[:, 1] -= top * pixels[:, 2]
    starts = np.cumsum([0, *(len(outline) for outline in outlines)])
    in_front = np.minimum.reduceat(pixels[:, 2], starts[:-1]) >= NEAR
    corners = fixed_point(pixels[:, :2] / np.maximum(pixels[:, 2:], NEAR))
    for start, end, whole in zip(starts, starts[1:], in_front, strict=False):
        if whole:
            fill_mask(mask, corners[start:end], 255)
        elif (outline := clipped(pixels[start:end])) is not None:
            fill_mask(mask, fixed_point(outline), 255)
    cv2.copyTo(cv2.convertScaleAbs(ground, alpha=share), mask, ground)
