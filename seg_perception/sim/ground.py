"""The ground of a street: its cross-section, its texture seen from above, and its painting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import View
from seg_perception.sim.canvas import clipped, fill_mask, fixed_point, four_channels
from seg_perception.sim.light import Light

FAR = 72.0
"""The street is closed here by the backdrop, metres ahead."""

PERIOD = 60.0
"""The ground repeats after this many metres."""

_HALF_WIDTH = 20.0
_KERB = 0.25
_RESOLUTION = 24
_BANDS = ((0.0, 8.0, 24, 24), (8.0, 20.0, 24, 8), (20.0, FAR, 12, 3))
"""Near and far end in metres; columns and rows of the texture per metre in that band."""


@dataclass(frozen=True)
class CrossSection:
    """Widths in metres from the centre line outwards, the same on both sides but for `fronts`.

    `fronts` are the front gardens or parks between sidewalk and houses, left and right.
    """

    lanes: int
    lane: float
    cycle_lane: float
    parking: float
    sidewalk: float
    fronts: tuple[float, float]

    @property
    def carriageway(self) -> float:
        """Half width of the road, to the kerb."""
        return self.lanes * self.lane + self.cycle_lane + self.parking

    @property
    def cycle_centre(self) -> float:
        """Distance of the cycle lane's centre from the centre line."""
        return self.lanes * self.lane + self.cycle_lane / 2

    @property
    def parking_centre(self) -> float:
        """Distance of the parking lane's centre from the centre line."""
        return self.carriageway - self.parking / 2

    @property
    def sidewalk_end(self) -> float:
        """Where the paving ends and front gardens begin."""
        return self.carriageway + self.sidewalk

    def front(self, side: int) -> float:
        """Return the depth of the front gardens on the left (+1) or the right (-1)."""
        return self.fronts[0 if side > 0 else 1]

    def strips(self) -> list[tuple[str, float, float]]:
        """Return (class name, inner, outer distance from the centre line), inside out.

        The kerb belongs to the sidewalk, as in Cityscapes.
        """
        return [
            ('road', 0.0, self.carriageway),
            ('sidewalk', self.carriageway, self.sidewalk_end),
            ('terrain', self.sidewalk_end, 60.0),
        ]

    def name_at(self, y: float) -> str:
        """Return the class name of the ground at a distance left of the centre line."""
        for name, inner, outer in self.strips():
            if inner <= abs(y) < outer:
                return name
        return 'terrain'


def make_cross_section(rng: np.random.Generator) -> CrossSection:
    """Draw the widths of a street."""
    return CrossSection(
        lanes=1 if rng.random() < 0.75 else 2,
        lane=rng.uniform(3.1, 3.7),
        cycle_lane=rng.uniform(1.4, 1.8),
        parking=rng.uniform(2.1, 2.4) if rng.random() < 0.6 else 0.0,
        sidewalk=rng.uniform(2.6, 3.8),
        fronts=(_front(rng), _front(rng)),
    )


def _front(rng: np.random.Generator) -> float:
    """No garden, a garden or a park."""
    kind = rng.random()
    return 0.0 if kind < 0.15 else rng.uniform(2.5, 5.0) if kind < 0.65 else rng.uniform(11, 15)


class Ground:
    """A texture of the street from above, painted through the homography of the ground plane."""

    def __init__(
        self, rng: np.random.Generator, section: CrossSection, light: Light, crossing: float | None
    ) -> None:
        base = _texture(rng, section, light.wet, crossing)
        base = cv2.convertScaleAbs(base, alpha=light.shade((0.0, 0.0, 1.0)))
        self._levels = []
        for _, _, columns, rows in _BANDS:
            size = (int(2 * _HALF_WIDTH * columns), int(PERIOD * rows))
            level = cv2.resize(base, size, interpolation=cv2.INTER_AREA)
            level = four_channels(level)
            repeats = int(np.ceil((PERIOD + FAR + 8.0) / PERIOD))
            length = int((PERIOD + FAR + 8.0) * rows)
            self._levels.append(np.tile(level, (repeats, 1, 1))[:length])
        self._section = section

    def paint(self, image: npt.NDArray[np.uint8], view: View) -> None:
        """Paint the colours of `image` [rows, W, 4], the part of the frame from `first_row` down."""
        camera, top = view.camera, first_row(view)
        start = np.floor(view.x / PERIOD) * PERIOD
        for (near, far, columns, rows), texture in zip(_BANDS, self._levels, strict=True):
            first = max(top, ceil(camera.row_of(far)))
            last = min(ceil(camera.row_of(near)), camera.height) if near else camera.height
            if first >= last:
                continue
            to_road = np.array(
                [
                    [0.0, 1.0 / rows, start + 0.5 / rows],
                    [-1.0 / columns, 0.0, _HALF_WIDTH - 0.5 / columns],
                    [0.0, 0.0, 0.0],
                    [0.0, 0.0, 1.0],
                ]
            )
            shift = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -first], [0.0, 0.0, 1.0]])
            cv2.warpPerspective(
                texture,
                shift @ view.matrix @ to_road,
                (camera.width, last - first),
                image[first - top : last - top],
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )

    @staticmethod
    def haze(image: npt.NDArray[np.uint8], view: View, light: Light) -> None:
        """Lay light's haze over the ground's image, row by row."""
        camera, top = view.camera, first_row(view)
        first = 0
        while first < len(image):
            last = first + 3 + first // 12
            share = light.haze_at(camera.distance_at(top + (first + last) / 2))
            rows = image[first:last]
            cv2.convertScaleAbs(rows, rows, 1 - share, light.haze * share)
            first = last

    def labels(self, view: View, label_ids: Mapping[str, int]) -> npt.NDArray[np.uint8]:
        """Return the trainIds of the bare ground, uint8 [rows, W], from `first_row` down."""
        camera = view.camera
        top = first_row(view)
        label = np.full((camera.height - top, camera.width), label_ids['terrain'], np.uint8)
        near, far = view.x - 5.0, view.x + 2 * FAR
        for name, _, outer in reversed(self._section.strips()):
            corners = np.array(
                [[near, outer, 0], [far, outer, 0], [far, -outer, 0], [near, -outer, 0]]
            )
            outline = clipped(view.project(corners))
            if outline is not None:
                fill_mask(label, fixed_point(outline - (0, top)), label_ids[name])
        return label


def first_row(view: View) -> int:
    """Return the first image row that shows the ground; above it is the backdrop."""
    return min(max(ceil(view.camera.row_of(FAR)), 0), view.camera.height)


def _noise(rng: np.random.Generator, shape: tuple[int, int], grain: int) -> npt.NDArray[np.float32]:
    """Smooth noise of unit variance whose spots are `grain` pixels wide."""
    small = (max(2, shape[1] // grain), max(2, shape[0] // grain))
    field = rng.standard_normal((small[1], small[0]), dtype=np.float32)
    return np.asarray(cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _texture(
    rng: np.random.Generator, section: CrossSection, wet: bool, crossing: float | None
) -> npt.NDArray[np.uint8]:
    res = _RESOLUTION
    shape = (int(PERIOD * res), int(2 * _HALF_WIDTH * res))
    fine = _noise(rng, shape, 2)
    coarse = _noise(rng, shape, 60)
    gray = rng.uniform(78, 118) * (0.8 if wet else 1.0)
    image = np.empty((*shape, 3), np.float32)
    image[:] = gray
    image *= (1 + 0.07 * fine + 0.04 * coarse)[..., None]

    def columns(inner: float, outer: float) -> tuple[slice, slice]:
        centre = shape[1] / 2
        a, b = round(inner * res), round(outer * res)
        return slice(int(centre - b), int(centre - a)), slice(int(centre + a), int(centre + b))

    paving = np.array(rng.uniform(135, 180) + rng.uniform(-8, 8, 3), np.float32)
    grass = np.array([45, 105, 80], np.float32) * rng.uniform(0.85, 1.2)
    tile = int(rng.uniform(0.4, 0.8) * res)
    for name, inner, outer in section.strips():
        for cols in columns(inner, min(outer, _HALF_WIDTH)):
            if name == 'terrain':
                image[:, cols] = grass * (1 + 0.2 * fine + 0.12 * coarse)[:, cols, None]
            elif name == 'sidewalk':
                image[:, cols] = paving * (1 + 0.05 * fine + 0.03 * coarse)[:, cols, None]
                image[::tile, cols] *= 0.82
                image[:, cols][:, ::tile] *= 0.82
    for cols in columns(section.carriageway, section.carriageway + _KERB):
        image[:, cols] = paving * 1.15 * (1 + 0.05 * fine[:, cols, None])
        image[:: 2 * tile, cols] *= 0.75
    _patch_asphalt(rng, image, section)
    _mark(rng, image, section, crossing)
    return np.clip(image, 0, 255).astype(np.uint8)


def _patch_asphalt(
    rng: np.random.Generator, image: npt.NDArray[np.float32], section: CrossSection
) -> None:
    """Repairs, manholes and wheel tracks."""
    centre = image.shape[1] // 2
    half = int(section.carriageway * _RESOLUTION)
    for _ in range(int(rng.integers(3, 9))):
        row, column = (
            rng.integers(0, image.shape[0] - 200),
            rng.integers(centre - half, centre + half - 60),
        )
        rows, cols = rng.integers(40, 200), rng.integers(20, 60)
        image[row : row + rows, column : column + cols] *= rng.uniform(0.8, 1.12)
    for _ in range(int(rng.integers(1, 4))):
        spot = (
            int(rng.integers(centre - half + 30, centre + half - 30)),
            int(rng.integers(40, image.shape[0] - 40)),
        )
        cv2.circle(image, spot, 11, (62, 62, 66), -1)
        cv2.circle(image, spot, 11, (48, 48, 50), 2)


def _mark(
    rng: np.random.Generator,
    image: npt.NDArray[np.float32],
    section: CrossSection,
    crossing: float | None,
) -> None:
    """Lane markings and, where there is one, a zebra crossing."""
    res = _RESOLUTION
    centre = image.shape[1] / 2
    white = rng.uniform(195, 240)
    wear = 0.25 + 0.75 * (rng.random(image.shape[:2], dtype=np.float32) > 0.12)
    dash, gap = (3.0, 3.0) if rng.random() < 0.5 else (4.0, 6.0)

    def paint(x0: float, x1: float, y0: float, y1: float) -> None:
        rows = slice(int(x0 * res), int(x1 * res))
        cols = slice(round(centre + y0 * res), round(centre + y1 * res))
        share = wear[rows, cols, None] * 0.9
        image[rows, cols] = image[rows, cols] * (1 - share) + white * share

    def line(y: float, dashed: bool) -> None:
        if not dashed:
            paint(0, PERIOD, y - 0.07, y + 0.07)
            return
        for start in np.arange(0, PERIOD, dash + gap):
            paint(start, start + dash, y - 0.07, y + 0.07)

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
        rows = slice(int((crossing - 0.5) * res), int((crossing + 4.5) * res))
        inside = slice(
            int(centre - section.carriageway * res), int(centre + section.carriageway * res)
        )
        image[rows, inside] = (
            np.median(image[rows, inside])
            * (1 + 0.05 * _noise(rng, image[rows, inside].shape[:2], 2))[..., None]
        )
        for y in np.arange(-section.carriageway + 0.3, section.carriageway - 0.5, 1.0):
            paint(crossing, crossing + 4.0, y, y + 0.5)
        paint(crossing - 2.0, crossing - 1.6, 0.2, section.lanes * section.lane)
