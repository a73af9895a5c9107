"""Lamp posts and traffic signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas, Figure
from seg_perception.sim.light import Color
from seg_perception.sim.people import ellipse
from seg_perception.sim.things import Placed, Thing

_WHITE, _RED, _BLUE, _YELLOW = (230, 232, 235), (40, 35, 190), (175, 90, 25), (40, 190, 230)


@dataclass(frozen=True, eq=False)
class Post(Thing):
    """A post with what hangs on it; the same picture from all sides."""

    figure: Figure

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint it."""
        canvas.figure(placed.x, placed.y, self.figure, canvas.light.soft)


def make_lamp_post(rng: np.random.Generator, side: int) -> Post:
    """Draw a lamp post for the left (+1) or right (-1) side, its arm over the road."""
    gray = rng.uniform(60, 130)
    color = (gray, gray * 1.02, gray * rng.uniform(0.9, 1.05))
    top, tip, half = rng.uniform(6.0, 7.5), side * rng.uniform(1.0, 1.8), 0.14
    parts = [
        (_rectangle(-half, 0, half, top), color),
        (_rectangle(0, 0, half, top), _dark(color)),
        (_rectangle(-half * 1.5, 0, half * 1.5, 0.9), _dark(color)),
        (_rectangle(min(0, tip), top - 0.2, max(0, tip), top), color),
        (_rectangle(tip - 0.4, top - 0.28, tip + 0.4, top + 0.04), (190.0, 200.0, 205.0)),
    ]
    figure = Figure([(outline, shade, 'pole') for outline, shade in parts])
    return Post('pole', 2 * half, 2 * half, top, figure)


def make_sign_post(rng: np.random.Generator) -> Post:
    """Draw a post with a round, three-sided, eight-sided or rectangular traffic sign."""
    middle, half = rng.uniform(2.7, 3.0), 0.125
    plates = _plate(rng, middle)
    if rng.random() < 0.35:
        plates += _rectangle_plate(rng, middle - 0.86, 0.45, 0.28)
    gray = rng.uniform(95, 150)
    color = (gray, gray, gray)
    post = [
        (_rectangle(-half, 0, half, middle + 0.3), color, 'pole'),
        (_rectangle(0, 0, half, middle + 0.3), _dark(color), 'pole'),
    ]
    figure = Figure([*post, *((o, c, 'traffic sign') for o, c in plates)])
    return Post('pole', 2 * half, 2 * half, middle + 0.3, figure)


def _plate(rng: np.random.Generator, y: float) -> list[tuple[Array, Color]]:
    kind = int(rng.integers(0, 6))
    size = rng.uniform(0.5, 0.6)
    if kind == 0:
        return [
            (ellipse(0, y, size, size, 20), _RED),
            (ellipse(0, y, size * 0.72, size * 0.72, 20), _WHITE),
            (_rectangle(-0.22, y - 0.2, -0.04, y + 0.2), (35, 35, 35)),
            (_rectangle(0.05, y - 0.2, 0.22, y + 0.2), (35, 35, 35)),
        ]
    if kind == 1:
        return [
            (ellipse(0, y, size, size, 20), _WHITE),
            (ellipse(0, y, size * 0.92, size * 0.92, 20), _BLUE),
            (_rectangle(-0.07, y - 0.32, 0.07, y + 0.2), _WHITE),
            (np.array([[-0.22, y + 0.1], [0.22, y + 0.1], [0, y + 0.36]]), _WHITE),
        ]
    if kind == 2:
        triangle = np.array([[-0.6, y - 0.42], [0.6, y - 0.42], [0.0, y + 0.62]])
        inside = (triangle - (0, y - 0.08)) * 0.66 + (0, y - 0.08)
        return [
            (triangle, _RED),
            (inside, _WHITE),
            (_rectangle(-0.05, y - 0.15, 0.05, y + 0.12), (35, 35, 35)),
        ]
    if kind == 3:
        angles = np.linspace(0, 2 * np.pi, 8, endpoint=False) + np.pi / 8
        eight = np.column_stack([np.cos(angles), np.sin(angles)]) * size
        return [
            (eight + (0, y), _WHITE),
            (eight * 0.92 + (0, y), _RED),
            (_rectangle(-0.36, y - 0.1, 0.36, y + 0.1), _WHITE),
        ]
    if kind == 4:
        diamond = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]]) * size * 1.1
        return [(diamond + (0, y), _WHITE), (diamond * 0.75 + (0, y), _YELLOW)]
    return _rectangle_plate(rng, y, 0.55, 0.5)


def _rectangle_plate(
    rng: np.random.Generator, y: float, half_width: float, half_height: float
) -> list[tuple[Array, Color]]:
    body = _BLUE if rng.random() < 0.6 else _WHITE
    ink = _WHITE if body is _BLUE else (40, 40, 42)
    w, h = half_width, half_height
    return [
        (_rectangle(-w, y - h, w, y + h), ink),
        (_rectangle(-w * 0.92, y - h * 0.9, w * 0.92, y + h * 0.9), body),
        (_rectangle(-w * 0.5, y - h * 0.2, w * 0.5, y + h * 0.2), ink),
    ]


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> Array:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def _dark(color: Color) -> Color:
    return color[0] * 0.75, color[1] * 0.75, color[2] * 0.75
