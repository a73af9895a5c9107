"""Trees and bushes as cut-out pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.canvas import Canvas, four_channels
from seg_perception.sim.things import Placed, Thing

_RESOLUTION = 48


@dataclass(frozen=True, eq=False)
class Plant(Thing):
    """A cut-out picture of a plant: its front is as wide as `spread` metres.

    `images` are (picture uint8 [H, W, 4], mask uint8 [H, W]), each half as large as the last.
    """

    spread: float
    images: tuple[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], ...]

    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint it facing the camera."""
        canvas.sprite(self.images, placed.x, placed.y, (self.spread, self.height), self.name)


def make_tree(rng: np.random.Generator, brightness: float) -> Plant:
    """Draw a tree with a trunk and a dense crown."""
    width, height = rng.uniform(3.2, 4.8), rng.uniform(5.5, 8.0)
    clear = rng.uniform(1.7, 2.3)
    shape = (int(height * _RESOLUTION), int(width * _RESOLUTION))
    trunk = int(rng.uniform(0.3, 0.42) * _RESOLUTION)
    left = (shape[1] - trunk) // 2
    half = (height - clear) / 2 * _RESOLUTION
    crown = _clumps(rng, shape, (shape[1] / 2, half), (shape[1] / 2, half), 26)
    bark = np.array([62, 78, 95]) * brightness * rng.uniform(0.7, 1.1)
    across = np.interp(np.arange(shape[1]), [left, left + trunk], [1.15, 0.7])
    image = _leaves(rng, crown, brightness)
    # The bark goes on beside the trunk, so that resizing does not mix leaves into its edges.
    image[crown == 0] = np.broadcast_to(bark * across[:, None], image.shape)[crown == 0]
    mask = crown.copy()
    mask[shape[0] // 3 :, left : left + trunk] = 255
    return Plant('vegetation', 0.4, 0.4, height, width, _halves(image, mask))


def make_bush(rng: np.random.Generator, brightness: float) -> Plant:
    """Draw a bush that reaches the ground."""
    width, height = rng.uniform(1.6, 3.2), rng.uniform(1.0, 1.7)
    rows, columns = shape = (int(height * _RESOLUTION), int(width * _RESOLUTION))
    crown = _clumps(rng, shape, (columns / 2, rows * 0.6), (columns / 2, rows * 0.6), 16)
    crown[int(rows * 0.6) :, columns // 6 : -columns // 6] = 255
    image = _leaves(rng, crown, brightness)
    return Plant('vegetation', 0.8, width, height, width, _halves(image, crown))


def _halves(
    image: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]
) -> tuple[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], ...]:
    """Return a picture and its mask at full, half, quarter … size."""
    levels = [(four_channels(image), mask)]
    for _ in range(4):
        picture, cut = levels[-1]
        half = (cut.shape[1] // 2, cut.shape[0] // 2)
        smaller = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
        levels.append(
            (
                np.asarray(smaller, np.uint8),
                np.asarray(cv2.resize(cut, half, interpolation=cv2.INTER_NEAREST), np.uint8),
            )
        )
    return tuple(levels)


def _clumps(
    rng: np.random.Generator,
    shape: tuple[int, int],
    centre: tuple[float, float],
    radii: tuple[float, float],
    count: int,
) -> npt.NDArray[np.uint8]:
    """Draw the mask of overlapping discs that fill an ellipse."""
    mask = np.zeros(shape, np.uint8)
    small = min(radii) * 0.36
    core = (int(radii[0] * 0.62), int(radii[1] * 0.72))
    cv2.ellipse(mask, (int(centre[0]), int(centre[1])), core, 0, 0, 360, 255, -1)
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        reach = rng.uniform(0.8, 1.0)
        x = centre[0] + np.cos(angle) * (radii[0] - small) * reach
        y = centre[1] + np.sin(angle) * (radii[1] - small) * reach
        cv2.circle(mask, (int(x), int(y)), int(small * rng.uniform(0.75, 1.0)), 255, -1)
    return mask


def _leaves(
    rng: np.random.Generator, crown: npt.NDArray[np.uint8], brightness: float
) -> npt.NDArray[np.uint8]:
    """Draw leaves all over a picture of the crown's size, lit from above."""
    rows, columns = crown.shape
    base = np.array([42, 92, 66]) * rng.uniform(0.75, 1.2) + np.array([0, 0, rng.uniform(-15, 30)])
    texture = np.zeros((rows, columns), np.float32)
    for grain, weight in ((3, 0.16), (9, 0.18), (26, 0.14)):
        cells = rng.standard_normal((rows // grain + 2, columns // grain + 2), dtype=np.float32)
        texture += weight * cv2.resize(cells, (columns, rows), interpolation=cv2.INTER_LINEAR)
    depth = cv2.distanceTransform(crown, cv2.DIST_L2, 3) / columns
    rise = np.linspace(1.2, 0.7, rows, dtype=np.float32)[:, None]
    tone = (1 + texture) * rise * (0.85 + 0.5 * depth)
    picture = np.asarray(base * brightness, np.float32) * tone[..., None]
    return np.asarray(np.clip(picture, 0, 255), np.uint8)
