"""Shadows on the ground."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas, clipped, fixed_point
from seg_perception.sim.facades import House
from seg_perception.sim.things import Placed

_CONTACT = ('car', 'rider', 'bicycle', 'person')


def paint_shadows(
    canvas: Canvas, things: Sequence[Placed], houses: Sequence[House], top: int
) -> None:
    """Darken the ground from row `top` down where the sun is blocked, and close below things."""
    ground = canvas.color[top:]
    light = canvas.light
    if not ground.size:
        return
    if light.casts_shadows:
        x, y, z = light.sun
        fall = -np.array([x, y]) / z
        outlines: list[Array] = []
        for house in houses:
            near, far = house.front * house.side, (house.front + house.depth) * house.side
            base = np.array([[house.start, near], [house.end, near], [house.end, far], [house.start, far]])
            outlines.append(_swept(base, fall * house.facade.height))
        for placed in things:
            foot = placed.footprint()
            if placed.thing.name == 'vegetation':
                radius = placed.thing.width * 0.45
                angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
                crown = np.stack([np.cos(angles), np.sin(angles)], 1) * radius + (placed.x, placed.y)
                outlines.append(crown + fall * placed.thing.height * 0.65)
                outlines.append(_swept(foot * 0.5 + foot.mean(0) * 0.5, fall * placed.thing.height * 0.5))
            else:
                outlines.append(_swept(foot, fall * placed.thing.height * 0.85))
        _darken(canvas, outlines, top, light.ambient / (light.ambient + light.direct * z))
    _darken(canvas, [p.footprint() for p in things if p.thing.name in _CONTACT], top, 0.6)


def _swept(base: Array, move: Array) -> Array:
    """The hull of a footprint [N, 2] and its copy moved by the shadow's length."""
    points = np.concatenate([base, base + move]).astype(np.float32)
    return np.asarray(cv2.convexHull(points)[:, 0], float)


def _darken(canvas: Canvas, outlines: Sequence[Array], top: int, share: float) -> None:
    ground = canvas.color[top:]
    mask = np.zeros(ground.shape[:2], np.uint8)
    for outline in outlines:
        flat = clipped(canvas.view.project(np.column_stack([outline, np.zeros(len(outline))])))
        if flat is not None:
            cv2.fillPoly(mask, [fixed_point(flat - (0, top))], (255,), cv2.LINE_8, 4)
    if mask.any():
        cv2.copyTo(cv2.convertScaleAbs(ground, alpha=share), mask, ground)
