"""Pedestrians, riders and bicycles as figures of polygons that face the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas
from seg_perception.sim.light import Color
from seg_perception.sim.things import Placed, Thing

Part = tuple[Array, Color, int]

_SKIN = ((140, 170, 215), (120, 150, 200), (80, 110, 160), (55, 75, 115))
_HAIR = ((30, 35, 45), (40, 60, 90), (90, 130, 170), (130, 130, 135), (20, 20, 22))
_CLOTHES = (
    (45, 40, 150), (140, 80, 35), (60, 60, 64), (200, 200, 205), (70, 120, 60), (35, 140, 190),
    (120, 50, 110), (30, 30, 34), (90, 110, 140), (180, 150, 60), (60, 70, 100), (150, 130, 200),
)  # fmt: skip
_TROUSERS = ((95, 65, 45), (50, 48, 46), (70, 85, 105), (120, 110, 100), (30, 30, 36), (130, 90, 60))
_HELMETS = ((225, 225, 228), (40, 40, 180), (180, 120, 40), (40, 40, 42), (60, 190, 210))


@dataclass(frozen=True)
class Pedestrian(Thing):
    """A walking or standing person."""

    skin: Color
    hair: Color
    top: Color
    trousers: Color
    bag: bool
    long_hair: bool

    def paint(self, canvas: Canvas, placed: Placed, label_ids: dict[str, int]) -> None:
        """Paint the figure in the step that its phase says."""
        label = label_ids[self.name]
        swing = np.sin(placed.phase * 2 * np.pi / 1.4)
        facing = placed.heading - canvas.view.yaw
        sideways = -np.sin(facing)
        parts = (
            self._side(swing, float(np.sign(sideways)))
            if abs(sideways) > 0.5
            else self._front(swing, away=np.cos(facing) > 0)
        )
        scale = self.height / 1.75
        canvas.billboard(placed.x, placed.y, [(o * scale, c, label) for o, c in parts], _soft(canvas))

    def _side(self, swing: float, way: float) -> list[tuple[Array, Color]]:
        step, reach = 0.36 * swing, 0.26 * swing
        dark = _darker(self.trousers)
        parts = [
            (limb((0, 0.9), (-reach * 0.8, 1.0), 0.13, 0.1, start=(0.0, 1.38)), _darker(self.top)),
            (limb((0.0, 0.9), (-step, 0.06), 0.22, 0.15), dark),
            (shoe(-step, way), (30, 30, 32)),
            (limb((0.0, 0.9), (step, 0.06), 0.23, 0.16), self.trousers),
            (shoe(step, way), (40, 40, 44)),
            (hull([(-0.17, 0.82), (0.17, 0.82), (0.19, 1.15), (0.17, 1.42), (0.06, 1.5), (-0.1, 1.48), (-0.19, 1.3)]), self.top),
        ]
        if self.bag:
            parts.append((hull([(-0.18 * way, 0.98), (-0.36 * way, 1.0), (-0.36 * way, 1.38), (-0.16 * way, 1.44)]), (45, 60, 60)))
        parts += [
            (limb((0, 0), (reach, 0.88), 0.14, 0.11, start=(0.0, 1.38)), _darker(self.top, 0.9)),
            (ellipse(reach, 0.86, 0.06, 0.07), self.skin),
            *self._head(0.02 * way, 0.06 * way, away=False),
        ]
        return parts

    def _front(self, swing: float, away: bool) -> list[tuple[Array, Color]]:
        lift, bob = 0.07 * max(swing, 0), 0.07 * max(-swing, 0)
        parts = [
            (limb((0.11, 0.9), (0.13, 0.07 + lift), 0.22, 0.17), self.trousers),
            (limb((-0.11, 0.9), (-0.13, 0.07 + bob), 0.22, 0.17), _darker(self.trousers, 0.92)),
            (ellipse(0.14, 0.05 + lift, 0.09, 0.06), (38, 38, 42)),
            (ellipse(-0.14, 0.05 + bob, 0.09, 0.06), (38, 38, 42)),
            (limb((0, 0), (0.33, 0.86 + lift), 0.14, 0.11, start=(0.24, 1.38)), _darker(self.top, 0.9)),
            (limb((0, 0), (-0.33, 0.86 + bob), 0.14, 0.11, start=(-0.24, 1.38)), _darker(self.top, 0.85)),
            (ellipse(0.33, 0.84 + lift, 0.06, 0.07), self.skin),
            (ellipse(-0.33, 0.84 + bob, 0.06, 0.07), self.skin),
            (hull([(-0.21, 0.82), (0.21, 0.82), (0.2, 1.05), (0.27, 1.38), (0.12, 1.48), (-0.12, 1.48), (-0.27, 1.38), (-0.2, 1.05)]), self.top),
        ]
        if self.bag and away:
            parts.append((hull([(-0.17, 0.98), (0.17, 0.98), (0.17, 1.4), (-0.17, 1.4)]), (45, 60, 60)))
        return parts + self._head(0.0, 0.0, away)

    def _head(self, x: float, nose: float, away: bool) -> list[tuple[Array, Color]]:
        neck = (limb((x, 1.44), (x, 1.55), 0.13, 0.13), self.skin)
        hair = (ellipse(x - nose * 0.5, 1.65, 0.125, 0.14), self.hair)
        face = (ellipse(x + nose * 0.6, 1.6, 0.095, 0.12), self.skin)
        fall = (hull([(x - 0.13, 1.42), (x + 0.13, 1.42), (x + 0.12, 1.66), (x - 0.12, 1.66)]), self.hair)
        if away:
            return [neck, fall, hair] if self.long_hair else [neck, hair]
        return [fall, neck, hair, face] if self.long_hair and not nose else [neck, hair, face]


@dataclass(frozen=True)
class Bicycle(Thing):
    """A bicycle alone; always seen at least half from the side."""

    frame: Color

    def paint(self, canvas: Canvas, placed: Placed, label_ids: dict[str, int]) -> None:
        """Paint it."""
        stretch, way = _turned(canvas, placed)
        parts = [(o * (stretch * way, 1), c, label_ids['bicycle']) for o, c in bicycle_parts(self.frame)]
        canvas.billboard(placed.x, placed.y, parts, _soft(canvas))


@dataclass(frozen=True)
class Cyclist(Thing):
    """A rider on a bicycle."""

    frame: Color
    skin: Color
    top: Color
    trousers: Color
    helmet: Color

    def paint(self, canvas: Canvas, placed: Placed, label_ids: dict[str, int]) -> None:
        """Paint bicycle and rider; the pedals turn with the phase."""
        stretch, way = _turned(canvas, placed)
        bicycle, rider = label_ids['bicycle'], label_ids['rider']
        wide = max(stretch, 0.85)
        angle = placed.phase * 2 * np.pi / 5.0
        far, near = (
            (np.cos(-angle + turn) * 0.16 - 0.02, np.sin(-angle + turn) * 0.16 + 0.3)
            for turn in (np.pi, 0.0)
        )
        parts: list[Part] = [
            (o * (stretch * way, 1), c, bicycle) for o, c in bicycle_parts(self.frame)
        ]
        body: list[tuple[Array, Color]] = []
        for pedal, shade in ((far, 0.75), (near, 1.0)):
            trousers = _darker(self.trousers, shade)
            knee = (0.24, 0.42 + 0.55 * pedal[1] + 0.04)
            body.append((limb((-0.2, 0.95), knee, 0.2, 0.16), trousers))
            body.append((limb(knee, pedal, 0.16, 0.12), _darker(trousers, 0.95)))
            body.append((shoe(pedal[0], 1.0, pedal[1] - 0.06), (40, 40, 44)))
        body += [
            (hull([(-0.38, 0.9), (-0.08, 0.86), (0.14, 1.3), (0.17, 1.46), (0.02, 1.54), (-0.14, 1.5), (-0.36, 1.15)]), self.top),
            (limb((0.06, 1.42), (0.38, 1.1), 0.14, 0.1), _darker(self.top, 0.85)),
            (ellipse(0.4, 1.09, 0.05, 0.05), self.skin),
            (limb((0.08, 1.48), (0.13, 1.6), 0.12, 0.12), self.skin),
            (ellipse(0.18, 1.64, 0.105, 0.125), self.skin),
            (hull([(0.04, 1.68), (0.06, 1.78), (0.15, 1.83), (0.27, 1.79), (0.31, 1.69)]), self.helmet),
        ]
        parts += [(o * (wide * way, 1), c, rider) for o, c in body]
        canvas.billboard(placed.x, placed.y, parts, _soft(canvas))


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


def limb(
    hip: tuple[float, float],
    end: tuple[float, float],
    thick: float,
    thin: float,
    start: tuple[float, float] | None = None,
) -> Array:
    """Return a tapering bar between two points [8, 2] with blunt ends."""
    a, b = np.array(start if start is not None else hip), np.array(end)
    along = (b - a) / max(float(np.hypot(*(b - a))), 1e-6)
    across = np.array([-along[1], along[0]])
    return np.array(
        [
            a + across * thick / 2, b + across * thin / 2,
            b + across * thin / 4 + along * thin / 3, b - across * thin / 4 + along * thin / 3,
            b - across * thin / 2, a - across * thick / 2,
            a - across * thick / 4 - along * thick / 3, a + across * thick / 4 - along * thick / 3,
        ]
    )  # fmt: skip


def ellipse(x: float, y: float, a: float, b: float, corners: int = 12) -> Array:
    """Return an ellipse as a polygon."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.column_stack([x + a * np.cos(angles), y + b * np.sin(angles)])


def hull(points: list[tuple[float, float]]) -> Array:
    """Return an outline as an array."""
    return np.array(points, float)


def shoe(x: float, way: float, y: float = 0.0) -> Array:
    """Return a shoe that points left (way -1) or right (+1)."""
    return np.array([[x - 0.09 * way, y], [x + 0.2 * way, y], [x + 0.18 * way, y + 0.07], [x + 0.05 * way, y + 0.13], [x - 0.09 * way, y + 0.12]])


def _turned(canvas: Canvas, placed: Placed) -> tuple[float, float]:
    """How long a bicycle looks from here (0.6 to 1), and to which side it points."""
    across = -np.sin(placed.heading - canvas.view.yaw)
    return max(abs(across), 0.6), 1.0 if across >= 0 else -1.0


def _soft(canvas: Canvas) -> float:
    return canvas.light.ambient + 0.55 * canvas.light.direct


def _pick(rng: np.random.Generator, colors: tuple[tuple[int, int, int], ...]) -> Color:
    blue, green, red = np.clip(np.array(colors[rng.integers(len(colors))]) * rng.uniform(0.8, 1.2), 0, 255)
    return float(blue), float(green), float(red)


def _darker(color: Color, share: float = 0.75) -> Color:
    return color[0] * share, color[1] * share, color[2] * share
