"""Outlines that figures are made of: metres, right and up from the foot on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import hypot, pi

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.light import Color

Shape = tuple[Array, Color]
"""An outline [N, 2] and its colour."""

Point = tuple[float, float]


def polygon(*corners: Point) -> Array:
    """Return an outline from its corners."""
    return np.array(corners, float)


def rectangle(left: float, bottom: float, right: float, top: float) -> Array:
    """Return an upright rectangle [4, 2]."""
    return polygon((left, bottom), (right, bottom), (right, top), (left, top))


def ellipse(x: float, y: float, a: float, b: float, corners: int = 12) -> Array:
    """Return an ellipse [corners, 2] by its centre and half axes."""
    return _circle(corners) * (a, b) + (x, y)


def limb(start: Point, end: Point, thick: float, thin: float) -> Array:
    """Return a bar [8, 2] between two points that tapers and has blunt ends."""
    (ax, ay), (bx, by) = start, end
    length = hypot(bx - ax, by - ay)
    x, y = (bx - ax) / length, (by - ay) / length
    p, q, r = thick / 2, thin / 2, thin / 4
    return polygon(
        (ax - y * p, ay + x * p),
        (bx - y * q, by + x * q),
        (bx - y * r + x * r, by + x * r + y * r),
        (bx + y * r + x * r, by - x * r + y * r),
        (bx + y * q, by - x * q),
        (ax + y * p, ay - x * p),
        (ax + y * p / 2 - x * p / 2, ay - x * p / 2 - y * p / 2),
        (ax - y * p / 2 - x * p / 2, ay + x * p / 2 - y * p / 2),
    )


def shoe(x: float, way: float, y: float = 0.0) -> Array:
    """Return a shoe that points left (way -1) or right (+1)."""
    sole = polygon((-0.09, 0.0), (0.2, 0.0), (0.18, 0.07), (0.05, 0.13), (-0.09, 0.12))
    return sole * (way, 1.0) + (x, y)


def darker(color: Color, share: float = 0.75) -> Color:
    """Return a colour times a share."""
    return color[0] * share, color[1] * share, color[2] * share


def pick(rng: np.random.Generator, colors: Sequence[Color]) -> Color:
    """Draw one of some colours, a little lighter or darker."""
    blue, green, red = np.clip(
        np.array(colors[int(rng.integers(len(colors)))]) * rng.uniform(0.8, 1.2), 0, 255
    )
    return float(blue), float(green), float(red)


@cache
def _circle(corners: int) -> Array:
    angles = np.arange(corners) * (2 * pi / corners)
    return np.column_stack([np.cos(angles), np.sin(angles)])
