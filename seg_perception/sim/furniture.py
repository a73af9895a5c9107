"""Lamp posts and traffic signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seg_perception.sim.canvas import Canvas, Figure
from seg_perception.sim.light import Color
from seg_perception.sim.shapes import Shape, darker, ellipse, polygon, rectangle
from seg_perception.sim.things import Placed, Thing

_WHITE: Color = (230, 232, 235)
_BLACK: Color = (36, 36, 36)
_RED: Color = (40, 35, 190)
_BLUE: Color = (175, 90, 25)
_YELLOW: Color = (40, 190, 230)
_EIGHT_SIDES = np.array(
    [[np.cos(angle), np.sin(angle)] for angle in np.arange(8) * np.pi / 4 + np.pi / 8]
)


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
    top, tip, half = rng.uniform(6.0, 7.5), side * rng.uniform(1.0, 1.8), 0.19
    parts = [
        (rectangle(-half, 0, half, top), color),
        (rectangle(0, 0, half, top), darker(color)),
        (rectangle(-half * 1.5, 0, half * 1.5, 0.9), darker(color)),
        (rectangle(min(0, tip), top - 0.2, max(0, tip), top + 0.06), color),
        (rectangle(tip - 0.4, top - 0.28, tip + 0.4, top + 0.04), (190.0, 200.0, 205.0)),
    ]
    figure = Figure([(outline, shade, 'pole') for outline, shade in parts])
    return Post('pole', 2 * half, 2 * half, top, figure)


def make_sign_post(rng: np.random.Generator) -> Post:
    """Draw a post with a round, three-sided, eight-sided or rectangular traffic sign."""
    middle, half = rng.uniform(2.7, 3.0), 0.16
    plates = _plate(rng, middle)
    if rng.random() < 0.35:
        plates += _lifted(_rectangular_plate(rng, 0.45, 0.28), middle - 0.86)
    gray = rng.uniform(95, 150)
    color = (gray, gray, gray)
    post = [
        (rectangle(-half, 0, half, middle + 0.3), color, 'pole'),
        (rectangle(0, 0, half, middle + 0.3), darker(color), 'pole'),
    ]
    figure = Figure([*post, *((o, c, 'traffic sign') for o, c in plates)])
    return Post('pole', 2 * half, 2 * half, middle + 0.3, figure)


def _plate(rng: np.random.Generator, y: float) -> list[Shape]:
    """Draw a sign whose middle is at a height."""
    kind = int(rng.integers(0, 6))
    size = rng.uniform(0.55, 0.65)
    if kind == 0:
        plate: list[Shape] = [
            (ellipse(0, 0, size, size, 20), _RED),
            (ellipse(0, 0, size * 0.72, size * 0.72, 20), _WHITE),
            (rectangle(-0.22, -0.2, -0.04, 0.2), _BLACK),
            (rectangle(0.05, -0.2, 0.22, 0.2), _BLACK),
        ]
    elif kind == 1:
        plate = [
            (ellipse(0, 0, size, size, 20), _WHITE),
            (ellipse(0, 0, size * 0.92, size * 0.92, 20), _BLUE),
            (rectangle(-0.07, -0.32, 0.07, 0.2), _WHITE),
            (polygon((-0.22, 0.1), (0.22, 0.1), (0, 0.36)), _WHITE),
        ]
    elif kind == 2:
        triangle = polygon((-0.6, -0.34), (0.6, -0.34), (0.0, 0.7))
        plate = [
            (triangle - (0, 0.08), _RED),
            (triangle * 0.66 - (0, 0.08), _WHITE),
            (rectangle(-0.05, -0.15, 0.05, 0.12), _BLACK),
        ]
    elif kind == 3:
        plate = [
            (_EIGHT_SIDES * size, _WHITE),
            (_EIGHT_SIDES * size * 0.92, _RED),
            (rectangle(-0.36, -0.1, 0.36, 0.1), _WHITE),
        ]
    elif kind == 4:
        diamond = ellipse(0, 0, size * 1.1, size * 1.1, 4)
        plate = [(diamond, _WHITE), (diamond * 0.75, _YELLOW)]
    else:
        plate = _rectangular_plate(rng, 0.55, 0.5)
    return _lifted(plate, y)


def _rectangular_plate(rng: np.random.Generator, w: float, h: float) -> list[Shape]:
    """Draw a plate by its half width and half height."""
    body, ink = (_BLUE, _WHITE) if rng.random() < 0.6 else (_WHITE, _BLACK)
    return [
        (rectangle(-w, -h, w, h), ink),
        (rectangle(-w * 0.92, -h * 0.9, w * 0.92, h * 0.9), body),
        (rectangle(-w * 0.5, -h * 0.2, w * 0.5, h * 0.2), ink),
    ]


def _lifted(shapes: list[Shape], y: float) -> list[Shape]:
    return [(outline + np.array((0.0, y)), color) for outline, color in shapes]
