"""Shadows on the ground."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array, View
from seg_perception.sim.canvas import clipped, fill_mask
from seg_perception.sim.facades import House
from seg_perception.sim.foliage import Plant
from seg_perception.sim.ground import first_row
from seg_perception.sim.light import Light
from seg_perception.sim.things import Placed

_CONTACT = ('car', 'rider', 'bicycle', 'person')
_CIRCLE = np.column_stack([f(np.linspace(0, 2 * np.pi, 10, endpoint=False)) for f in (np.cos, np.sin)])


def shade_ground(
    ground: npt.NDArray[np.uint8],
    view: View,
    light: Light,
    things: Sequence[Placed],
    houses: Sequence[House],
) -> None:
    """Darken the ground's image, as `Ground.colors` gives it, where the sun or the sky is hidden."""
    if light.casts_shadows:
        fall = -np.array(light.sun[:2]) / light.sun[2]
        outlines = [_swept(house.footprint(), fall * house.facade.height) for house in houses]
        for placed in things:
            thing = placed.thing
            if isinstance(thing, Plant):
                centre = np.array([placed.x, placed.y]) + fall * thing.height * 0.6
                outlines.append(_CIRCLE * thing.spread * 0.45 + centre)
                outlines.append(_swept(placed.footprint(), fall * thing.height * 0.5))
            else:
                outlines.append(_swept(placed.footprint(), fall * thing.height * 0.85))
        bright = light.ambient + light.direct * light.sun[2]
        _darken(ground, view, outlines, light.ambient / bright)
    under = [placed.footprint() for placed in things if placed.thing.name in _CONTACT]
    _darken(ground, view, under, 0.6)


def _swept(base: Array, move: Array) -> Array:
    """The hull of a footprint [N, 2] and its copy moved by the shadow's length."""
    points = np.concatenate([base, base + move]).astype(np.float32)
    return np.asarray(cv2.convexHull(points)[:, 0], float)


def _darken(
    ground: npt.NDArray[np.uint8], view: View, outlines: Sequence[Array], share: float
) -> None:
    if not outlines or not ground.size:
        return
    points = np.concatenate(outlines)
    pixels = view.project(np.column_stack([points, np.zeros(len(points))]))
    mask = np.zeros(ground.shape[:2], np.uint8)
    top = first_row(view)
    end = 0
    for outline in outlines:
        start, end = end, end + len(outline)
        flat = clipped(pixels[start:end])
        if flat is not None:
            fill_mask(mask, flat - (0, top), 255)
    cv2.copyTo(cv2.convertScaleAbs(ground, alpha=share), mask, ground)
