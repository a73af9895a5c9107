"""Bicycles, and riders on them; riders and bicycles are labelled apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from seg_perception.sim.canvas import Canvas, Figure
from seg_perception.sim.light import Color
from seg_perception.sim.people import CLOTHES, POSES, SKIN, TROUSERS
from seg_perception.sim.shapes import Shape, darker, ellipse, limb, pick, polygon, shoe
from seg_perception.sim.things import Placed, Thing

_HELMETS: tuple[Color, ...] = (
    (225, 225, 228), (40, 40, 180), (180, 120, 40), (40, 40, 42), (60, 190, 210),
)  # fmt: skip

_TURN = 5.0
"""Metres per turn of the pedals."""

_SHORTEST = 0.6
"""A bicycle is never seen shorter than this share of its length: end-on it would be a sliver."""

_TUBES = (
    ((-0.54, 0.35), (-0.02, 0.3)), ((-0.02, 0.3), (-0.2, 0.9)), ((-0.02, 0.3), (0.38, 0.85)),
    ((-0.17, 0.82), (0.38, 0.85)), ((-0.54, 0.35), (-0.18, 0.8)), ((0.54, 0.35), (0.36, 1.02)),
)  # fmt: skip
_SADDLE = polygon((-0.34, 0.9), (-0.08, 0.9), (-0.08, 0.97), (-0.34, 0.99))
_PANNIER = polygon((-0.72, 0.45), (-0.38, 0.45), (-0.36, 0.78), (-0.74, 0.78))
_BACK = polygon(
    (-0.38, 0.9),
    (-0.08, 0.86),
    (0.14, 1.3),
    (0.17, 1.46),
    (0.02, 1.54),
    (-0.14, 1.5),
    (-0.36, 1.15),
)
_HELMET = polygon((0.04, 1.68), (0.06, 1.78), (0.15, 1.83), (0.27, 1.79), (0.31, 1.69))


@dataclass(frozen=True, eq=False)
class Bicycle(Thing):
    """A bicycle alone."""

    frame: Color

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint it."""
        figure = _bicycle_figure(self, *_seen_along(canvas, placed))
        canvas.figure(placed.x, placed.y, figure, canvas.light.soft)


@dataclass(frozen=True, eq=False)
class Cyclist(Thing):
    """A rider on a bicycle."""

    frame: Color
    skin: Color
    top: Color
    trousers: Color
    helmet: Color

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint bicycle and rider; the pedals turn with the phase."""
        pose = round(placed.phase / _TURN * POSES) % POSES
        figure = _cyclist_figure(self, pose, *_seen_along(canvas, placed))
        canvas.figure(placed.x, placed.y, figure, canvas.light.soft)

    def body(self, angle: float) -> list[Shape]:
        """Return the rider without the bicycle, riding to the right, at an angle of the pedals."""
        shapes: list[Shape] = []
        for turn, shade in ((pi, 0.75), (0.0, 1.0)):
            pedal = (cos(turn - angle) * 0.16 - 0.02, sin(turn - angle) * 0.16 + 0.3)
            knee = (0.24, 0.46 + 0.55 * pedal[1])
            trousers = darker(self.trousers, shade)
            shapes += [
                (limb((-0.2, 0.95), knee, 0.2, 0.16), trousers),
                (limb(knee, pedal, 0.16, 0.12), darker(trousers, 0.95)),
                (shoe(pedal[0], 1.0, pedal[1] - 0.06), (40, 40, 44)),
            ]
        return [
            *shapes,
            (_BACK, self.top),
            (limb((0.06, 1.42), (0.38, 1.1), 0.14, 0.1), darker(self.top, 0.85)),
            (ellipse(0.4, 1.09, 0.05, 0.05), self.skin),
            (limb((0.08, 1.48), (0.13, 1.6), 0.12, 0.12), self.skin),
            (ellipse(0.18, 1.64, 0.105, 0.125), self.skin),
            (_HELMET, self.helmet),
        ]


def bicycle_shapes(frame: Color) -> list[Shape]:
    """Return a bicycle that points right; its wheels are full discs, as in Cityscapes."""
    shapes: list[Shape] = []
    for x in (-0.54, 0.54):
        shapes += [
            (ellipse(x, 0.35, 0.35, 0.35, 20), (28, 28, 30)),
            (ellipse(x, 0.35, 0.29, 0.29, 20), (98, 98, 98)),
            (ellipse(x, 0.35, 0.05, 0.05, 8), (60, 60, 62)),
        ]
    return [
        *shapes,
        *((limb(start, end, 0.07, 0.07), frame) for start, end in _TUBES),
        (limb((0.28, 1.06), (0.44, 1.06), 0.08, 0.08), (40, 40, 42)),
        (_SADDLE, (30, 30, 32)),
        (_PANNIER, (70, 70, 76)),
    ]


def make_bicycle(rng: np.random.Generator) -> Bicycle:
    """Draw a bicycle's colour."""
    return Bicycle('bicycle', length=1.75, width=0.5, height=1.1, frame=pick(rng, CLOTHES))


def make_cyclist(rng: np.random.Generator) -> Cyclist:
    """Draw a rider and a bicycle."""
    return Cyclist(
        name='rider',
        length=1.75,
        width=0.6,
        height=1.83,
        frame=pick(rng, CLOTHES),
        skin=pick(rng, SKIN),
        top=pick(rng, CLOTHES),
        trousers=pick(rng, TROUSERS),
        helmet=pick(rng, _HELMETS),
    )


@lru_cache(maxsize=1024)
def _bicycle_figure(bicycle: Bicycle, share: float, way: float) -> Figure:
    shapes = bicycle_shapes(bicycle.frame)
    return Figure([(outline * (share * way, 1), c, 'bicycle') for outline, c in shapes])


@lru_cache(maxsize=4096)
def _cyclist_figure(cyclist: Cyclist, pose: int, share: float, way: float) -> Figure:
    # A body is about as wide as it is deep: it shortens less than the bicycle.
    body = cyclist.body(2 * pi * pose / POSES)
    return Figure(
        [
            *((o * (share * way, 1), c, 'bicycle') for o, c in bicycle_shapes(cyclist.frame)),
            *((o * (max(share, 0.85) * way, 1), c, 'rider') for o, c in body),
        ]
    )


def _seen_along(canvas: Canvas, placed: Placed) -> tuple[float, float]:
    """Return the share of a bicycle's length that shows, and its way: left (-1) or right (+1)."""
    across = -sin(placed.heading - canvas.view.yaw)
    return max(round(abs(across), 1), _SHORTEST), 1.0 if across >= 0 else -1.0
