"""Pedestrians: figures of polygons that walk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from seg_perception.sim.canvas import Canvas, Figure
from seg_perception.sim.light import Color
from seg_perception.sim.shapes import Shape, darker, ellipse, limb, pick, polygon, rectangle, shoe
from seg_perception.sim.things import Placed, Thing

POSES = 24
"""How many pictures make a full step, or a turn of the pedals."""

SKIN: tuple[Color, ...] = ((140, 170, 215), (120, 150, 200), (80, 110, 160), (55, 75, 115))
CLOTHES: tuple[Color, ...] = (
    (45, 40, 150), (140, 80, 35), (60, 60, 64), (200, 200, 205), (70, 120, 60), (35, 140, 190),
    (120, 50, 110), (30, 30, 34), (90, 110, 140), (180, 150, 60), (60, 70, 100), (150, 130, 200),
)  # fmt: skip
TROUSERS: tuple[Color, ...] = (
    (95, 65, 45), (50, 48, 46), (70, 85, 105), (120, 110, 100), (30, 30, 36), (130, 90, 60),
)  # fmt: skip
_HAIR: tuple[Color, ...] = (
    (30, 35, 45), (40, 60, 90), (90, 130, 170), (130, 130, 135), (20, 20, 22),
)  # fmt: skip
_BAG: Color = (45, 60, 60)
_SHOES: Color = (36, 36, 40)

_STRIDE = 1.4
"""Metres of a full step, left and right."""

_TORSO_FROM_SIDE = polygon(
    (-0.17, 0.82), (0.17, 0.82), (0.19, 1.15), (0.17, 1.42), (0.06, 1.5), (-0.1, 1.48), (-0.19, 1.3)
)
_TORSO_FROM_FRONT = polygon(
    (-0.21, 0.82), (0.21, 0.82), (0.2, 1.05), (0.27, 1.38),
    (0.12, 1.48), (-0.12, 1.48), (-0.27, 1.38), (-0.2, 1.05),
)  # fmt: skip
_BAG_FROM_SIDE = polygon((-0.18, 0.98), (-0.36, 1.0), (-0.36, 1.38), (-0.16, 1.44))


@dataclass(frozen=True, eq=False)
class Pedestrian(Thing):
    """A walking or standing person; outlines are drawn for a height of 1.75 m and scaled."""

    skin: Color
    hair: Color
    top: Color
    trousers: Color
    bag: bool
    long_hair: bool

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint the figure from the side or from the front, in the step that its phase says."""
        facing = placed.heading - canvas.view.yaw
        across = -sin(facing)
        way = (1.0 if across > 0 else -1.0) if abs(across) > 0.5 else 0.0
        pose = round(placed.phase / _STRIDE * POSES) % POSES
        figure = _figure(self, pose, way, away=cos(facing) > 0)
        canvas.figure(placed.x, placed.y, figure, canvas.light.soft)

    def from_side(self, swing: float, way: float) -> list[Shape]:
        """Return the figure walking left (way -1) or right (+1); swing of the legs is -1 to 1."""
        step, reach = 0.36 * swing, 0.26 * swing
        shapes = [
            (limb((0.0, 1.38), (-reach * 0.8, 1.0), 0.13, 0.1), darker(self.top)),
            (limb((0.0, 0.9), (-step, 0.06), 0.22, 0.15), darker(self.trousers)),
            (shoe(-step, way), _SHOES),
            (limb((0.0, 0.9), (step, 0.06), 0.23, 0.16), self.trousers),
            (shoe(step, way), _SHOES),
            (_TORSO_FROM_SIDE, self.top),
        ]
        if self.bag:
            shapes.append((_BAG_FROM_SIDE * (way, 1), _BAG))
        return [
            *shapes,
            (limb((0.0, 1.38), (reach, 0.88), 0.14, 0.11), darker(self.top, 0.9)),
            (ellipse(reach, 0.86, 0.06, 0.07), self.skin),
            (limb((0.02 * way, 1.44), (0.02 * way, 1.55), 0.13, 0.13), self.skin),
            (ellipse(-0.01 * way, 1.65, 0.125, 0.14), self.hair),
            (ellipse(0.056 * way, 1.6, 0.095, 0.12), self.skin),
        ]

    def from_front(self, swing: float, *, away: bool) -> list[Shape]:
        """Return the figure walking towards the camera or away from it."""
        left, right = 0.07 * max(-swing, 0), 0.07 * max(swing, 0)
        shapes: list[Shape] = []
        for side, lift, shade in ((1, right, 1.0), (-1, left, 0.92)):
            hip, foot = (side * 0.11, 0.9), (side * 0.13, 0.07 + lift)
            shoulder, hand = (side * 0.24, 1.38), (side * 0.33, 0.86 + lift)
            shapes += [
                (limb(hip, foot, 0.22, 0.17), darker(self.trousers, shade)),
                (ellipse(side * 0.14, 0.05 + lift, 0.09, 0.06), _SHOES),
                (limb(shoulder, hand, 0.14, 0.11), darker(self.top, shade - 0.08)),
                (ellipse(hand[0], hand[1] - 0.02, 0.06, 0.07), self.skin),
            ]
        shapes.append((_TORSO_FROM_FRONT, self.top))
        if self.bag and away:
            shapes.append((rectangle(-0.17, 0.98, 0.17, 1.4), _BAG))
        neck = (limb((0, 1.44), (0, 1.55), 0.13, 0.13), self.skin)
        head = (ellipse(0, 1.65, 0.125, 0.14), self.hair)
        fall = (rectangle(-0.125, 1.42, 0.125, 1.66), self.hair)
        if away:
            return [*shapes, neck, *([fall] if self.long_hair else []), head]
        face = (ellipse(0, 1.6, 0.095, 0.12), self.skin)
        return [*shapes, *([fall] if self.long_hair else []), neck, head, face]


@lru_cache(maxsize=4096)
def _figure(person: Pedestrian, pose: int, way: float, *, away: bool) -> Figure:
    swing = sin(2 * pi * pose / POSES)
    shapes = person.from_side(swing, way) if way else person.from_front(swing, away=away)
    scale = person.height / 1.75
    return Figure([(outline * scale, color, person.name) for outline, color in shapes])


def make_pedestrian(rng: np.random.Generator) -> Pedestrian:
    """Draw a person's height and clothes."""
    return Pedestrian(
        name='person',
        length=0.5,
        width=0.6,
        height=rng.uniform(1.65, 1.95),
        skin=pick(rng, SKIN),
        hair=pick(rng, _HAIR),
        top=pick(rng, CLOTHES),
        trousers=pick(rng, TROUSERS),
        bag=bool(rng.random() < 0.35),
        long_hair=bool(rng.random() < 0.5),
    )
