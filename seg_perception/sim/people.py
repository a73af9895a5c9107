"""Pedestrians, riders and bicycles as figures of polygons that face the camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import cos, hypot, pi, sin

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas, Figure
from seg_perception.sim.light import Color
from seg_perception.sim.things import Placed, Thing

_POSES = 24
_STEP = 1.4
_TURN = 5.0
_SKIN = ((140, 170, 215), (120, 150, 200), (80, 110, 160), (55, 75, 115))
_HAIR = ((30, 35, 45), (40, 60, 90), (90, 130, 170), (130, 130, 135), (20, 20, 22))
_CLOTHES = (
    (45, 40, 150), (140, 80, 35), (60, 60, 64), (200, 200, 205), (70, 120, 60), (35, 140, 190),
    (120, 50, 110), (30, 30, 34), (90, 110, 140), (180, 150, 60), (60, 70, 100), (150, 130, 200),
)  # fmt: skip
_TROUSERS = (
    (95, 65, 45),
    (50, 48, 46),
    (70, 85, 105),
    (120, 110, 100),
    (30, 30, 36),
    (130, 90, 60),
)
_HELMETS = ((225, 225, 228), (40, 40, 180), (180, 120, 40), (40, 40, 42), (60, 190, 210))


@dataclass(frozen=True, eq=False)
class Pedestrian(Thing):
    """A walking or standing person."""

    skin: Color
    hair: Color
    top: Color
    trousers: Color
    bag: bool
    long_hair: bool

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint the figure in the step that its phase says."""
        facing = placed.heading - canvas.view.yaw
        across = -sin(facing)
        way = (1.0 if across > 0 else -1.0) if abs(across) > 0.5 else 0.0
        step = round(placed.phase / _STEP * _POSES) % _POSES
        figure = _pedestrian_figure(self, step, way, cos(facing) > 0)
        canvas.figure(placed.x, placed.y, figure, canvas.light.soft)

    def side(self, swing: float, way: float) -> list[tuple[Array, Color]]:
        """Return the figure seen from the side, walking left (way -1) or right (+1)."""
        step, reach = 0.36 * swing, 0.26 * swing
        dark = _darker(self.trousers)
        parts = [
            (limb((0.0, 1.38), (-reach * 0.8, 1.0), 0.13, 0.1), _darker(self.top)),
            (limb((0.0, 0.9), (-step, 0.06), 0.22, 0.15), dark),
            (shoe(-step, way), (30, 30, 32)),
            (limb((0.0, 0.9), (step, 0.06), 0.23, 0.16), self.trousers),
            (shoe(step, way), (40, 40, 44)),
            (
                hull(
                    [
                        (-0.17, 0.82),
                        (0.17, 0.82),
                        (0.19, 1.15),
                        (0.17, 1.42),
                        (0.06, 1.5),
                        (-0.1, 1.48),
                        (-0.19, 1.3),
                    ]
                ),
                self.top,
            ),
        ]
        if self.bag:
            parts.append(
                (
                    hull(
                        [
                            (-0.18 * way, 0.98),
                            (-0.36 * way, 1.0),
                            (-0.36 * way, 1.38),
                            (-0.16 * way, 1.44),
                        ]
                    ),
                    (45, 60, 60),
                )
            )
        parts += [
            (limb((0.0, 1.38), (reach, 0.88), 0.14, 0.11), _darker(self.top, 0.9)),
            (ellipse(reach, 0.86, 0.06, 0.07), self.skin),
            *self._head(0.02 * way, 0.06 * way, away=False),
        ]
        return parts

    def front(self, swing: float, away: bool) -> list[tuple[Array, Color]]:
        """Return the figure seen from the front or from behind."""
        lift, bob = 0.07 * max(swing, 0), 0.07 * max(-swing, 0)
        parts = [
            (limb((0.11, 0.9), (0.13, 0.07 + lift), 0.22, 0.17), self.trousers),
            (limb((-0.11, 0.9), (-0.13, 0.07 + bob), 0.22, 0.17), _darker(self.trousers, 0.92)),
            (ellipse(0.14, 0.05 + lift, 0.09, 0.06), (38, 38, 42)),
            (ellipse(-0.14, 0.05 + bob, 0.09, 0.06), (38, 38, 42)),
            (limb((0.24, 1.38), (0.33, 0.86 + lift), 0.14, 0.11), _darker(self.top, 0.9)),
            (limb((-0.24, 1.38), (-0.33, 0.86 + bob), 0.14, 0.11), _darker(self.top, 0.85)),
            (ellipse(0.33, 0.84 + lift, 0.06, 0.07), self.skin),
            (ellipse(-0.33, 0.84 + bob, 0.06, 0.07), self.skin),
            (
                hull(
                    [
                        (-0.21, 0.82),
                        (0.21, 0.82),
                        (0.2, 1.05),
                        (0.27, 1.38),
                        (0.12, 1.48),
                        (-0.12, 1.48),
                        (-0.27, 1.38),
                        (-0.2, 1.05),
                    ]
                ),
                self.top,
            ),
        ]
        if self.bag and away:
            parts.append(
                (hull([(-0.17, 0.98), (0.17, 0.98), (0.17, 1.4), (-0.17, 1.4)]), (45, 60, 60))
            )
        return parts + self._head(0.0, 0.0, away)

    def _head(self, x: float, nose: float, away: bool) -> list[tuple[Array, Color]]:
        neck = (limb((x, 1.44), (x, 1.55), 0.13, 0.13), self.skin)
        hair = (ellipse(x - nose * 0.5, 1.65, 0.125, 0.14), self.hair)
        face = (ellipse(x + nose * 0.6, 1.6, 0.095, 0.12), self.skin)
        fall = (
            hull([(x - 0.13, 1.42), (x + 0.13, 1.42), (x + 0.12, 1.66), (x - 0.12, 1.66)]),
            self.hair,
        )
        if away:
            return [neck, fall, hair] if self.long_hair else [neck, hair]
        return [fall, neck, hair, face] if self.long_hair and not nose else [neck, hair, face]


@dataclass(frozen=True, eq=False)
class Bicycle(Thing):
    """A bicycle alone; always seen at least half from the side."""

    frame: Color

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint it."""
        figure = _bicycle_figure(self, *_turned(canvas, placed))
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
        step = round(placed.phase / _TURN * _POSES) % _POSES
        figure = _cyclist_figure(self, step, *_turned(canvas, placed))
        canvas.figure(placed.x, placed.y, figure, canvas.light.soft)

    def body(self, angle: float) -> list[tuple[Array, Color]]:
        """Return the rider without the bicycle, riding to the right, at an angle of the pedals."""
        far, near = (
            (cos(turn - angle) * 0.16 - 0.02, sin(turn - angle) * 0.16 + 0.3) for turn in (pi, 0.0)
        )
        body: list[tuple[Array, Color]] = []
        for pedal, shade in ((far, 0.75), (near, 1.0)):
            trousers = _darker(self.trousers, shade)
            knee = (0.24, 0.42 + 0.55 * pedal[1] + 0.04)
            body.append((limb((-0.2, 0.95), knee, 0.2, 0.16), trousers))
            body.append((limb(knee, pedal, 0.16, 0.12), _darker(trousers, 0.95)))
            body.append((shoe(pedal[0], 1.0, pedal[1] - 0.06), (40, 40, 44)))
        body += [
            (
                hull(
                    [
                        (-0.38, 0.9),
                        (-0.08, 0.86),
                        (0.14, 1.3),
                        (0.17, 1.46),
                        (0.02, 1.54),
                        (-0.14, 1.5),
                        (-0.36, 1.15),
                    ]
                ),
                self.top,
            ),
            (limb((0.06, 1.42), (0.38, 1.1), 0.14, 0.1), _darker(self.top, 0.85)),
            (ellipse(0.4, 1.09, 0.05, 0.05), self.skin),
            (limb((0.08, 1.48), (0.13, 1.6), 0.12, 0.12), self.skin),
            (ellipse(0.18, 1.64, 0.105, 0.125), self.skin),
            (
                hull([(0.04, 1.68), (0.06, 1.78), (0.15, 1.83), (0.27, 1.79), (0.31, 1.69)]),
                self.helmet,
            ),
        ]
        return body


@lru_cache(maxsize=4096)
def _pedestrian_figure(person: Pedestrian, step: int, way: float, away: bool) -> Figure:
    swing = sin(2 * pi * step / _POSES)
    parts = person.side(swing, way) if way else person.front(swing, away)
    return Figure([(outline * (person.height / 1.75), c, person.name) for outline, c in parts])


@lru_cache(maxsize=1024)
def _bicycle_figure(bicycle: Bicycle, stretch: float, way: float) -> Figure:
    parts = bicycle_parts(bicycle.frame)
    return Figure([(outline * (stretch * way, 1), c, 'bicycle') for outline, c in parts])


@lru_cache(maxsize=4096)
def _cyclist_figure(cyclist: Cyclist, step: int, stretch: float, way: float) -> Figure:
    wheels = ((o * (stretch * way, 1), c, 'bicycle') for o, c in bicycle_parts(cyclist.frame))
    wide = max(stretch, 0.85) * way
    body = cyclist.body(2 * pi * step / _POSES)
    return Figure([*wheels, *((o * (wide, 1), c, 'rider') for o, c in body)])


def make_pedestrian(rng: np.random.Generator) -> Pedestrian:
    """Draw a person's height and clothes."""
    return Pedestrian(
        'person', 0.5, 0.6, rng.uniform(1.65, 1.95),
        skin=_pick(rng, _SKIN), hair=_pick(rng, _HAIR), top=_pick(rng, _CLOTHES),
        trousers=_pick(rng, _TROUSERS), bag=bool(rng.random() < 0.35), long_hair=bool(rng.random() < 0.5),
    )  # fmt: skip


def make_bicycle(rng: np.random.Generator) -> Bicycle:
    """Draw a bicycle's colour."""
    return Bicycle('bicycle', 1.75, 0.5, 1.1, frame=_pick(rng, _CLOTHES))


def make_cyclist(rng: np.random.Generator) -> Cyclist:
    """Draw a rider and a bicycle."""
    return Cyclist(
        'rider', 1.75, 0.6, 1.83, frame=_pick(rng, _CLOTHES), skin=_pick(rng, _SKIN),
        top=_pick(rng, _CLOTHES), trousers=_pick(rng, _TROUSERS), helmet=_pick(rng, _HELMETS),
    )  # fmt: skip


def bicycle_parts(frame: Color) -> list[tuple[Array, Color]]:
    """Return a bicycle seen from its right side, riding to the right; wheels are full discs."""
    parts: list[tuple[Array, Color]] = []
    for x in (-0.54, 0.54):
        parts += [
            (ellipse(x, 0.35, 0.35, 0.35, 20), (28, 28, 30)),
            (ellipse(x, 0.35, 0.29, 0.29, 20), (98, 98, 98)),
            (ellipse(x, 0.35, 0.05, 0.05, 8), (60, 60, 62)),
        ]
    tubes = (
        ((-0.54, 0.35), (-0.02, 0.3)), ((-0.02, 0.3), (-0.2, 0.9)), ((-0.02, 0.3), (0.38, 0.85)),
        ((-0.17, 0.82), (0.38, 0.85)), ((-0.54, 0.35), (-0.18, 0.8)), ((0.54, 0.35), (0.36, 1.02)),
    )  # fmt: skip
    parts += [(limb(a, b, 0.07, 0.07), frame) for a, b in tubes]
    parts += [
        (limb((0.28, 1.06), (0.44, 1.06), 0.08, 0.08), (40, 40, 42)),
        (hull([(-0.34, 0.9), (-0.08, 0.9), (-0.08, 0.97), (-0.34, 0.99)]), (30, 30, 32)),
        (hull([(-0.72, 0.45), (-0.38, 0.45), (-0.36, 0.78), (-0.74, 0.78)]), (70, 70, 76)),
    ]
    return parts


def limb(start: tuple[float, float], end: tuple[float, float], thick: float, thin: float) -> Array:
    """Return a tapering bar between two points [8, 2] with blunt ends."""
    (ax, ay), (bx, by) = start, end
    length = hypot(bx - ax, by - ay)
    x, y = (bx - ax) / length, (by - ay) / length
    p, q, r = thick / 2, thin / 2, thin / 4
    return np.array(
        [
            (ax - y * p, ay + x * p), (bx - y * q, by + x * q),
            (bx - y * r + x * r, by + x * r + y * r), (bx + y * r + x * r, by - x * r + y * r),
            (bx + y * q, by - x * q), (ax + y * p, ay - x * p),
            (ax + y * p / 2 - x * p / 2, ay - x * p / 2 - y * p / 2),
            (ax - y * p / 2 - x * p / 2, ay + x * p / 2 - y * p / 2),
        ]
    )  # fmt: skip


def ellipse(x: float, y: float, a: float, b: float, corners: int = 12) -> Array:
    """Return an ellipse as a polygon."""
    return _circle(corners) * (a, b) + (x, y)


@cache
def _circle(corners: int) -> Array:
    angles = np.arange(corners) * (2 * pi / corners)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def hull(points: list[tuple[float, float]]) -> Array:
    """Return an outline as an array."""
    return np.array(points, float)


def shoe(x: float, way: float, y: float = 0.0) -> Array:
    """Return a shoe that points left (way -1) or right (+1)."""
    return np.array(
        [
            [x - 0.09 * way, y],
            [x + 0.2 * way, y],
            [x + 0.18 * way, y + 0.07],
            [x + 0.05 * way, y + 0.13],
            [x - 0.09 * way, y + 0.12],
        ]
    )


def _turned(canvas: Canvas, placed: Placed) -> tuple[float, float]:
    """How long a bicycle looks from here (0.6 to 1), and to which side it points (-1 left)."""
    across = -sin(placed.heading - canvas.view.yaw)
    return max(round(abs(across), 1), 0.6), 1.0 if across >= 0 else -1.0


def _pick(rng: np.random.Generator, colors: tuple[tuple[int, int, int], ...]) -> Color:
    blue, green, red = np.clip(
        np.array(colors[rng.integers(len(colors))]) * rng.uniform(0.8, 1.2), 0, 255
    )
    return float(blue), float(green), float(red)


def _darker(color: Color, share: float = 0.75) -> Color:
    return color[0] * share, color[1] * share, color[2] * share
