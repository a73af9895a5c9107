"""The ground of a street seen from above: asphalt, paving, grass, markings.

Rows of a texture go along the street, columns from left to right across it.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.section import CrossSection
from seg_perception.sim.street import PERIOD, ZEBRA, Street

RESOLUTION = 24
"""Pixels per metre."""

HALF_WIDTH = 20.0
"""Metres that a texture shows on either side of the centre line."""

_KERB = 0.25
_LINE = 0.14

Picture = npt.NDArray[np.float32]


def ground_texture(
    rng: np.random.Generator,
    street: Street,
) -> npt.NDArray[np.uint8]:
    """Draw one period of a street, uint8 [rows, columns, 3]; periods can be put end to end."""
    section = street.section
    shape = (int(PERIOD * RESOLUTION), int(2 * HALF_WIDTH * RESOLUTION))
    fine, coarse = _noise(rng, shape, 2), _noise(rng, shape, 60)
    gray = rng.uniform(78, 118) * (0.8 if street.light.wet else 1.0)
    paving = np.array(rng.uniform(135, 180) + rng.uniform(-8, 8, 3), np.float32)
    grass = np.array([45, 105, 80], np.float32) * np.float32(rng.uniform(0.85, 1.2))
    tile = int(rng.uniform(0.4, 0.8) * RESOLUTION)
    image = np.empty((*shape, 3), np.float32)
    for cols in _strips(0.0, section.carriageway):
        image[:, cols] = gray * (1 + 0.07 * fine + 0.04 * coarse)[:, cols, None]
    for cols in _strips(section.sidewalk_end, HALF_WIDTH):
        image[:, cols] = grass * (1 + 0.2 * fine + 0.12 * coarse)[:, cols, None]
    for cols in _strips(section.carriageway, section.sidewalk_end):
        image[:, cols] = paving * (1 + 0.05 * fine + 0.03 * coarse)[:, cols, None]
        image[::tile, cols] *= 0.82
        image[:, cols][:, ::tile] *= 0.82
    for cols in _strips(section.carriageway, section.carriageway + _KERB):
        image[:, cols] = paving * 1.15 * (1 + 0.05 * fine[:, cols, None])
        image[:: 2 * tile, cols] *= 0.75
    _wear(rng, image, section)
    _mark(rng, image, street)
    return np.clip(image, 0, 255).astype(np.uint8)


def _strips(inner: float, outer: float) -> Iterator[slice]:
    """Return the columns between two distances from the centre line, left and right."""
    a, b = round(inner * RESOLUTION), round(outer * RESOLUTION)
    centre = int(HALF_WIDTH * RESOLUTION)
    yield slice(centre - b, centre - a)
    yield slice(centre + a, centre + b)


def _noise(rng: np.random.Generator, shape: tuple[int, int], grain: int) -> Picture:
    """Draw smooth noise of about unit variance whose spots are `grain` pixels wide."""
    size = (max(2, shape[0] // grain), max(2, shape[1] // grain))
    field = rng.standard_normal(size, dtype=np.float32)
    return np.asarray(cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _wear(rng: np.random.Generator, image: Picture, section: CrossSection) -> None:
    """Draw repaired patches and manhole covers on the road."""
    rows, columns = image.shape[:2]
    left = columns // 2 - int(section.carriageway * RESOLUTION)
    right = columns - left
    for _ in range(int(rng.integers(3, 9))):
        row, column = rng.integers(0, rows - 200), rng.integers(left, right - 60)
        height, width = rng.integers(40, 200), rng.integers(20, 60)
        image[row : row + height, column : column + width] *= rng.uniform(0.8, 1.12)
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.integers(left + 30, right - 30)), int(rng.integers(40, rows - 40)))
        cv2.circle(image, centre, 11, (62, 62, 66), -1)
        cv2.circle(image, centre, 11, (48, 48, 50), 2)


def _mark(rng: np.random.Generator, image: Picture, street: Street) -> None:
    """Draw lane markings and, where there is one, a zebra crossing with its stop line."""
    section, crossing, centre = street.section, street.crossing, image.shape[1] / 2
    white = rng.uniform(195, 240)
    cover = 0.225 + 0.675 * (rng.random(image.shape[:2], dtype=np.float32) > 0.12)
    dash, gap = (3.0, 3.0) if rng.random() < 0.5 else (4.0, 6.0)

    def paint(start: float, end: float, right: float, width: float) -> None:
        rows = slice(int(start * RESOLUTION), int(end * RESOLUTION))
        first = round(centre + right * RESOLUTION)
        cols = slice(first, first + round(width * RESOLUTION))
        share = cover[rows, cols, None]
        image[rows, cols] += (white - image[rows, cols]) * share

    def line(right: float, *, dashed: bool) -> None:
        starts = np.arange(0, PERIOD, dash + gap) if dashed else [0.0]
        for start in starts:
            paint(start, start + dash if dashed else PERIOD, right - _LINE / 2, _LINE)

    if section.lanes == 1:
        line(0.0, dashed=bool(rng.random() < 0.8))
    else:
        line(-0.12, dashed=False)
        line(0.12, dashed=False)
    for side in (-1, 1):
        for lane in range(1, section.lanes):
            line(side * lane * section.lane, dashed=True)
        line(side * section.lanes * section.lane, dashed=bool(rng.random() < 0.3))
        if section.parking:
            line(side * (section.carriageway - section.parking), dashed=False)
    if crossing is not None:
        half = section.carriageway
        rows = slice(int((crossing - 0.5) * RESOLUTION), int((crossing + 4.5) * RESOLUTION))
        cols = slice(int(centre - half * RESOLUTION), int(centre + half * RESOLUTION))
        road = image[rows, cols]
        road[:] = road.mean() * (1 + 0.05 * _noise(rng, road.shape[:2], 2))[..., None]
        for right in np.arange(0.3 - half, half - 0.5, 1.0):
            paint(crossing, crossing + ZEBRA, right, 0.5)
        paint(crossing - 2.0, crossing - 1.6, 0.2, section.lanes * section.lane - 0.2)
