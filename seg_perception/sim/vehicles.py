"""Cars as shaded meshes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import NEAR, Canvas, clipped, fixed_point
from seg_perception.sim.shapes import ellipse
from seg_perception.sim.things import Placed, Thing

_PAINT = (
    (40, 40, 180), (170, 90, 30), (225, 225, 228), (45, 45, 48), (160, 162, 165), (60, 110, 40),
    (190, 195, 200), (30, 60, 130), (110, 60, 30), (70, 170, 210), (95, 98, 102), (40, 30, 110),
)  # fmt: skip
_GLASS = np.array((70, 60, 50))
_TYRE, _RIM, _ARCH = np.array((32, 32, 34)), np.array((150, 150, 152)), np.array((22, 22, 24))
_HEADLAMP, _TAIL_LAMP = np.array((235, 240, 245)), np.array((40, 40, 190))
_GRILLE, _PLATE = np.array((40, 40, 42)), np.array((225, 230, 232))
_WHEEL = 0.33

# Side views of body and cabin: metres, front at +x; body clockwise from below the front bumper,
# cabin from the foot of the windscreen.
_BODIES = {
    'saloon': (
        (
            (2.2, 0.28), (2.27, 0.55), (2.1, 0.76), (0.95, 0.93),
            (-1.65, 0.97), (-2.2, 0.94), (-2.28, 0.5), (-2.2, 0.28),
        ),
        ((1.05, 0.91), (0.3, 1.44), (-0.95, 1.44), (-1.75, 0.95)),
    ),
    'hatch': (
        (
            (1.9, 0.28), (1.97, 0.55), (1.82, 0.78), (1.0, 0.96),
            (-1.7, 0.98), (-1.95, 0.92), (-2.0, 0.5), (-1.92, 0.28),
        ),
        ((1.1, 0.94), (0.35, 1.5), (-1.35, 1.48), (-1.85, 0.96)),
    ),
    'suv': (
        (
            (2.2, 0.34), (2.28, 0.65), (2.15, 0.95), (1.05, 1.08),
            (-2.1, 1.1), (-2.25, 1.0), (-2.3, 0.55), (-2.2, 0.34),
        ),
        ((1.15, 1.06), (0.5, 1.72), (-1.8, 1.7), (-2.2, 1.08)),
    ),
    'van': (
        (
            (2.35, 0.32), (2.42, 0.65), (2.3, 1.0), (1.7, 1.2),
            (-2.35, 1.22), (-2.42, 1.1), (-2.45, 0.55), (-2.35, 0.32),
        ),
        ((1.75, 1.18), (1.15, 1.98), (-2.3, 1.98), (-2.42, 1.2)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _Face:
    corners: Array
    color: Array
    normal: Array


@dataclass(frozen=True, eq=False)
class Car(Thing):
    """A convex body with a cabin, windows, wheels and lamps; faces from back to front."""

    vertices: Array
    faces: tuple[slice, ...]
    colors: Array
    normals: Array
    centres: Array

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint the faces that look at the camera."""
        view = canvas.view
        c, s = np.cos(placed.heading), np.sin(placed.heading)
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        position = np.array([placed.x, placed.y, 0.0])
        pixels = view.project(self.vertices @ turn + position)
        if pixels[:, 2].max() < NEAR:
            return
        eye = (view.eye - position) @ turn.T
        visible = np.flatnonzero(((eye - self.centres) * self.normals).sum(axis=1) > 0)
        bright = canvas.light.shades(self.normals[visible] @ turn)[:, None]
        colors = canvas.tint(self.colors[visible], bright, float(pixels[:, 2].mean())).tolist()
        if pixels[:, 2].min() >= NEAR:
            corners = fixed_point(pixels[:, :2] / pixels[:, 2:])
            for face, color in zip(visible, colors, strict=True):
                canvas.polygon(corners[self.faces[face]], color, self.name)
            return
        for face, color in zip(visible, colors, strict=True):
            outline = clipped(pixels[self.faces[face]])
            if outline is not None:
                canvas.polygon(fixed_point(outline), color, self.name)


def make_car(rng: np.random.Generator) -> Car:
    """Draw a car of some shape and colour."""
    style = str(rng.choice(list(_BODIES)))
    body, cabin = (np.array(outline) for outline in _BODIES[style])
    paint = np.array(_PAINT[rng.integers(len(_PAINT))], float) * rng.uniform(0.85, 1.1)
    half = rng.uniform(0.86, 0.94)
    front, rear = body[1, 0], body[-2, 0]
    wheels = [(x, side) for x in (front - 0.85, rear + 0.8) for side in (-1, 1)]
    faces: list[_Face] = []
    for x, side in wheels:
        faces += _treads(x, side * (half - 0.12))
    faces += _prism(body, half, half, paint)
    for x, side in wheels:
        faces += [
            _disc(x, side * (half + 0.005), _WHEEL + 0.06, _ARCH),
            _disc(x, side * (half + 0.01), _WHEEL, _TYRE),
            _disc(x, side * (half + 0.015), _WHEEL * 0.62, _RIM),
        ]
    faces += _lamps(body, half)
    faces += _prism(cabin, half * 0.95, half * 0.78, paint)
    faces += _windows(cabin, half * 0.95, half * 0.78, has_rear_panes=style != 'van')
    vertices = np.concatenate([face.corners for face in faces])
    ends = np.cumsum([len(face.corners) for face in faces]).tolist()
    return Car(
        name='car',
        length=float(front - rear),
        width=2 * half,
        height=float(cabin[:, 1].max()),
        vertices=vertices,
        faces=tuple(slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)),
        colors=np.array([face.color for face in faces]),
        normals=np.array([face.normal for face in faces]),
        centres=np.array([face.corners.mean(axis=0) for face in faces]),
    )


def _face(corners: Array, color: Array, outward: Array) -> _Face:
    """Return a face whose normal is turned to the side of `outward`."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    normal /= np.linalg.norm(normal)
    return _Face(corners, color, normal if normal @ outward > 0 else -normal)


def _prism(outline: Array, half_low: float, half_high: float, color: Array) -> list[_Face]:
    """Draw a side view [N, 2] out across, narrowing with height."""
    low, high = outline[:, 1].min(), outline[:, 1].max()
    share = (outline[:, 1] - low) / (high - low)
    half = half_low + (half_high - half_low) * share
    left = np.column_stack([outline[:, 0], half, outline[:, 1]])
    right = left * (1, -1, 1)
    middle = np.array([outline[:, 0].mean(), 0.0, outline[:, 1].mean()])
    faces = []
    for i in range(len(outline)):
        corners = np.array([left[i - 1], right[i - 1], right[i], left[i]])
        faces.append(_face(corners, color, corners.mean(axis=0) - middle))
    faces.append(_face(left, color * 0.96, np.array([0.0, 1.0, 0.0])))
    faces.append(_face(right, color * 0.96, np.array([0.0, -1.0, 0.0])))
    return faces


def _treads(x: float, y: float) -> list[_Face]:
    """Return the tread of a tyre as seen from before and from behind."""
    faces = []
    for way in (-1, 1):
        at, left, right = x + way * _WHEEL * 0.8, y + 0.11, y - 0.11
        corners = np.array([[at, right, 0], [at, left, 0], [at, left, 0.5], [at, right, 0.5]])
        faces.append(_face(corners, _TYRE, np.array([way, 0.0, 0.0])))
    return faces


def _disc(x: float, y: float, radius: float, color: Array) -> _Face:
    outline = ellipse(x, _WHEEL, radius, radius, 14)
    corners = np.column_stack([outline[:, 0], np.full(14, y), np.maximum(outline[:, 1], 0.0)])
    return _face(corners, color, np.array([0.0, np.sign(y), 0.0]))


def _lamps(body: Array, half: float) -> list[_Face]:
    """Return lamps, number plates and the grille."""
    faces = []
    for low, high, way, color in (
        (body[1], body[2], 1.0, _HEADLAMP),
        (body[-2], body[-3], -1.0, _TAIL_LAMP),
    ):
        bottom, top = low + (high - low) * 0.25, low + (high - low) * 0.85
        faces += [
            _strip(bottom, top, (side * half * 0.6, side * half * 0.97), way, color)
            for side in (-1, 1)
        ]
        if way > 0:
            faces.append(_strip(bottom, top, (-half * 0.5, half * 0.5), way, _GRILLE))
        faces.append(_strip(low - (0, 0.14), low - (0, 0.02), (-0.26, 0.26), way, _PLATE))
    return faces


def _strip(
    bottom: Array, top: Array, across: tuple[float, float], way: float, color: Array
) -> _Face:
    """Return a patch on the front (way +1) or rear (-1) of the body, a little outside of it."""
    corners = np.array(
        [
            [x + 0.01 * way, y, z]
            for (x, z), y in zip(
                (bottom, bottom, top, top), (*across, *reversed(across)), strict=True
            )
        ]
    )
    return _face(corners, color, np.array([way, 0.0, 0.3]))


def _windows(
    cabin: Array, half_low: float, half_high: float, *, has_rear_panes: bool
) -> list[_Face]:
    """Return windscreen, rear window and side windows, a little outside of the cabin's faces."""
    low, high = cabin[:, 1].min(), cabin[:, 1].max()
    windscreen_foot, windscreen_top, rear_top, rear_foot = cabin

    def half(z: float) -> float:
        return float(half_low + (half_high - half_low) * (z - low) / (high - low))

    faces = []
    for foot, top, way, sill in (
        (windscreen_foot, windscreen_top, 1.0, 0.08),
        (rear_foot, rear_top, -1.0, 0.08 if has_rear_panes else 0.4),
    ):
        below, above = foot + (top - foot) * sill, foot + (top - foot) * 0.9
        faces.append(
            _face(
                np.array(
                    [
                        [x + 0.015 * way, side * half(z) * 0.9, z + 0.01]
                        for side, (x, z) in ((-1, below), (1, below), (1, above), (-1, above))
                    ]
                ),
                _GLASS,
                np.array([way, 0.0, 0.3]),
            )
        )
    bottom, top = low + (high - low) * 0.14, high - (high - low) * 0.12

    def along(share: float, z: float) -> float:
        """From the rear (0) to the front (1) of the cabin at a height."""
        rise = (z - low) / (high - low)
        rear, front = (
            a[0] + (b[0] - a[0]) * rise
            for a, b in ((rear_foot, rear_top), (windscreen_foot, windscreen_top))
        )
        return float(rear + (front - rear) * share)

    edges = np.linspace(0.06, 0.94, 4)
    for pane in range(0 if has_rear_panes else 2, 3):
        a, b = edges[pane] + 0.015, edges[pane + 1] - 0.015
        for side in (-1, 1):
            corners = [
                [along(share, z), side * (half(z) + 0.006), z]
                for share, z in ((a, bottom), (b, bottom), (b, top), (a, top))
            ]
            faces.append(_face(np.array(corners), _GLASS, np.array([0.0, side, 0.0])))
    return faces
