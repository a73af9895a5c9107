"""Houses: facade textures and the boxes they are hung on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas, four_channels
from seg_perception.sim.ground import FAR

_RESOLUTION = 20
_STOREY = 3.1
_COLORS = (
    (150, 175, 200), (110, 135, 175), (165, 200, 215), (190, 195, 200), (80, 95, 150),
    (125, 150, 165), (175, 185, 175), (140, 165, 205), (185, 175, 160), (95, 110, 130),
)  # fmt: skip


@dataclass(frozen=True)
class Facade:
    """A facade seen from the front: texture uint8 [H, W, 4], metres, and wall colour."""

    image: npt.NDArray[np.uint8]
    width: float
    height: float
    color: Array


@dataclass(frozen=True, eq=False)
class House:
    """A box along the street: side +1 is left; `front` is the distance from the centre line.

    The gable towards lower x may be hidden by a neighbour.
    """

    start: float
    side: int
    front: float
    facade: Facade
    gable: Facade
    gable_hidden: bool

    @property
    def end(self) -> float:
        """Where it ends along the street."""
        return self.start + self.facade.width

    @cached_property
    def footprint(self) -> Array:
        """Its corners on the ground [4, 2] in the road frame."""
        near, far = self.side * self.front, self.side * (self.front + self.gable.width)
        return np.array([[self.start, near], [self.end, near], [self.end, far], [self.start, far]])

    def paint(self, canvas: Canvas) -> None:
        """Paint the gable that faces the camera and the facade on the street."""
        view, shade = canvas.view, canvas.light.shade
        near, far = max(self.start, view.x - 2.0), min(self.end, view.x + FAR)
        if near >= far:
            return
        y, height, side = self.side * self.front, self.facade.height, self.side
        outer = y + side * self.gable.width
        if self.start > view.x and not self.gable_hidden:
            canvas.texture(
                self.gable.image,
                _hung(height, (self.start, y), (0, side)),
                _wall_corners((self.start, y), (self.start, outer), height),
                brightness=0.95 * shade((-1, 0, 0)),
                distance=self.start - view.x,
                name='building',
            )
        canvas.texture(
            self.facade.image,
            _hung(height, (self.start, y), (1, 0)),
            _wall_corners((near, y), (far, y), height),
            brightness=shade((0, -side, 0)),
            distance=max((near + far) / 2 - view.x, 0.0),
            name='building',
        )


def make_facade(rng: np.random.Generator) -> Facade:
    """Draw a facade of two to five storeys with windows, a door or a shop, and a roof edge."""
    storeys, bays = int(rng.integers(2, 6)), int(rng.integers(3, 6))
    bay = rng.uniform(2.4, 3.2)
    roof = rng.uniform(0.3, 0.6) if rng.random() < 0.5 else rng.uniform(1.4, 2.4)
    width, height = bays * bay, storeys * _STOREY + roof
    color = np.array(_COLORS[rng.integers(len(_COLORS))]) * rng.uniform(0.8, 1.1)
    image = _wall(rng, width, height, color)
    res, full = _RESOLUTION, image.shape[0]
    tiles = (50, 55, 95) if rng.random() < 0.5 else (70, 68, 66)
    image[: int(roof * res)] = tiles
    image[: int(roof * res) : 6] = np.array(tiles) * 0.8
    cv2.rectangle(
        image, (0, int(roof * res)), (image.shape[1], int(roof * res) + 4), (170, 175, 180), -1
    )
    pane = np.array([rng.uniform(0.38, 0.5) * bay, rng.uniform(1.4, 1.8)])
    frame = (225, 228, 230) if rng.random() < 0.7 else (60, 70, 80)
    shop = rng.random() < 0.5
    door = int(rng.integers(0, bays))
    for storey in range(storeys):
        floor = full - int(storey * _STOREY * res)
        for column in range(bays):
            centre = int((column + 0.5) * bay * res)
            half = int(pane[0] * res / 2)
            if storey == 0 and column == door:
                paint = rng.uniform(30, 110, 3).tolist()
                cv2.rectangle(image, (centre - 11, floor - 46), (centre + 11, floor), frame, -1)
                cv2.rectangle(image, (centre - 9, floor - 44), (centre + 9, floor), paint, -1)
            elif storey == 0 and shop:
                half = int(bay * res * 0.44)
                _window(rng, image, (centre - half, floor - 48), (centre + half, floor - 10), frame)
                sign = rng.uniform(40, 200, 3).tolist()
                cv2.rectangle(
                    image, (centre - half, floor - 58), (centre + half, floor - 49), sign, -1
                )
            else:
                top = floor - int(0.85 * res) - int(pane[1] * res)
                _window(
                    rng,
                    image,
                    (centre - half, top),
                    (centre + half, floor - int(0.85 * res)),
                    frame,
                )
    return Facade(four_channels(image), width, height, color)


def make_gable(rng: np.random.Generator, facade: Facade, depth: float) -> Facade:
    """Draw the plain side wall of a house in the colour of its facade."""
    image = _wall(rng, depth, facade.height, facade.color)
    for storey in range(int(facade.height // _STOREY)):
        if rng.random() < 0.6:
            floor = image.shape[0] - int((storey * _STOREY + 0.9) * _RESOLUTION)
            _window(rng, image, (60, floor - 28), (82, floor), (215, 218, 220))
    return Facade(four_channels(image), depth, facade.height, facade.color)


def _hung(height: float, corner: tuple[float, float], along: tuple[int, int]) -> Array:
    """Return what takes pixels of a wall's picture to the road frame, [4, 3].

    The picture hangs from a corner of the house on the ground and a direction along the wall.
    """
    pixel = 1 / _RESOLUTION
    return np.array(
        [
            [along[0] * pixel, 0, corner[0]],
            [along[1] * pixel, 0, corner[1]],
            [0, -pixel, height],
            [0, 0, 1],
        ]
    )


def _wall_corners(a: tuple[float, float], b: tuple[float, float], height: float) -> Array:
    return np.array([[*a, 0], [*b, 0], [*b, height], [*a, height]])


def _wall(
    rng: np.random.Generator, width: float, height: float, color: Array
) -> npt.NDArray[np.uint8]:
    """Draw a plastered or a brick wall."""
    shape = (int(height * _RESOLUTION), int(width * _RESOLUTION))
    tone = rng.standard_normal(shape, dtype=np.float32) * np.float32(rng.uniform(0.01, 0.05))
    tone += 1 + 0.03 * cv2.resize(rng.standard_normal((5, 7), dtype=np.float32), shape[::-1])
    if rng.random() < 0.4:
        tone[::5] *= 0.88
        tone[2::10, ::10] *= 0.92
    image = np.asarray(color, np.float32) * tone[..., None]
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def _window(
    rng: np.random.Generator,
    image: npt.NDArray[np.uint8],
    corner: tuple[int, int],
    opposite: tuple[int, int],
    frame: tuple[int, int, int],
) -> None:
    (x0, y0), (x1, y1) = corner, opposite
    cv2.rectangle(image, (x0 - 2, y0 - 2), (x1 + 2, y1 + 2), frame, -1)
    glass = np.array([78, 68, 58]) * rng.uniform(0.6, 1.5)
    cv2.rectangle(image, (x0, y0), (x1, y1), glass.tolist(), -1)
    if rng.random() < 0.4:
        shine = np.array([[x0, y1], [x0, (y0 + y1) // 2], [(x0 + x1) // 2, y0], [x1, y0]])
        cv2.fillPoly(image, [shine], (glass * 1.35).tolist())
    if rng.random() < 0.3:
        cv2.rectangle(image, (x0, y0), (x1, y0 + (y1 - y0) // 3), (190, 195, 200), -1)
    cv2.line(image, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), frame, 1)
    cv2.line(image, (x0 - 3, y1 + 2), (x1 + 3, y1 + 2), (200, 203, 205), 2)
