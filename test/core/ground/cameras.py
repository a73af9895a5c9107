"""Cameras above a made-up ground, and what they would label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.lens import make_lens
from seg_perception.core.ground.mount import GroundCamera, Mount
from seg_perception.core.labels import load_label_set

SIZE = (320, 180)
K = (270.0, 0.0, 161.3, 0.0, 265.0, 88.2, 0.0, 0.0, 1.0)
LENSES: dict[str, tuple[str, tuple[float, ...]]] = {
    'none': ('', ()),
    'barrel': ('plumb_bob', (-0.3, 0.1, 0.001, -0.002, -0.01)),
    'pincushion': ('plumb_bob', (0.2, 0.1, 0.001, 0.002)),
    'rational': ('rational_polynomial', (1.2, 0.5, 0.001, -0.001, 0.02, 1.5, 0.8, 0.1)),
    'fisheye': ('equidistant', (0.05, -0.02, 0.01, -0.003)),
}
LABELS = load_label_set()
ROAD, SIDEWALK, CAR, SKY = (LABELS.train_id(n) for n in ('road', 'sidewalk', 'car', 'sky'))


def camera(
    name: str = 'none',
    *,
    height: float = 1.5,
    x: float = 0.0,
    y: float = 0.0,
    roll: float = 0.0,
    pitch: float = 0.05,
    yaw: float = 0.0,
) -> GroundCamera:
    model, d = LENSES[name]
    mount = Mount.from_angles(height, x=x, y=y, roll=roll, pitch=pitch, yaw=yaw)
    return GroundCamera(make_lens(K, d, model), mount)


def pixel_grid(size: tuple[int, int] = SIZE) -> npt.NDArray[np.float64]:
    columns, rows = np.meshgrid(np.arange(size[0], dtype=float), np.arange(size[1], dtype=float))
    return np.stack([columns, rows], axis=-1)


def paint(
    seen_from: GroundCamera,
    label_at: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.int64]],
) -> npt.NDArray[np.uint8]:
    """Return the label image of ground whose label is known by x and y; sky above it."""
    ground = seen_from.ground(pixel_grid())
    x, y = np.nan_to_num(ground[..., 0]), np.nan_to_num(ground[..., 1])
    return np.where(np.isnan(ground[..., 0]), SKY, label_at(x, y)).astype(np.uint8)


def sure(label: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.full_like(label, 255)
