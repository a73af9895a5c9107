"""What closes the street far away: sky with clouds above a skyline of houses and trees."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, pi, tan

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array, Camera
from seg_perception.sim.canvas import Canvas, four_channels
from seg_perception.sim.ground import FAR
from seg_perception.sim.light import Color, Light

_MARGIN = 0.12
"""How much wider than the image the backdrop is to either side, as a share of its width."""


class Backdrop:
    """A wide picture at infinity, shifted by the vehicle's yaw."""

    def __init__(
        self,
        rng: np.random.Generator,
        camera: Camera,
        light: Light,
        label_ids: Mapping[str, int],
    ) -> None:
        self._margin = ceil(_MARGIN * camera.width)
        self._foot = ceil(camera.row_of(FAR))
        self._metre = camera.intrinsics.fx / FAR
        self._light = light
        self._label_ids = label_ids
        width = camera.width + 2 * self._margin
        height = min(max(self._foot + 1, 1), camera.height)
        self._pixels = four_channels(_sky(rng, light, (height, width), camera.horizon))
        self._pixels[..., 3] = label_ids['sky']
        self._houses(rng)
        self._trees(rng)

    def paint(self, canvas: Canvas) -> None:
        """Paint the upper part of a frame, down to where the ground begins."""
        camera = canvas.view.camera
        shift = round(tan(canvas.view.yaw) * camera.intrinsics.fx)
        left = self._margin - min(max(shift, -self._margin), self._margin)
        canvas.pixels[: len(self._pixels)] = self._pixels[:, left : left + camera.width]

    def _houses(self, rng: np.random.Generator) -> None:
        metre, left = self._metre, 0.0
        pane = np.array([[0, 0], [1.1, 0], [1.1, 1.5], [0, 1.5]]) * metre
        while left < self._pixels.shape[1]:
            width, height = rng.uniform(8, 16) * metre, rng.uniform(7, 13) * metre
            if rng.random() < 0.45:
                right, top = left + width, self._foot - height
                gray = rng.uniform(110, 170)
                wall = np.array(
                    [[left, top], [right, top], [right, self._foot], [left, self._foot]]
                )
                self._fill(wall, (gray, gray * 1.05, gray * 1.12), 'building')
                for row in np.arange(top + 1.2 * metre, self._foot - 3 * metre, 3 * metre):
                    for column in np.arange(left + 0.8 * metre, right - 1.8 * metre, 2.4 * metre):
                        at = np.array((column, row))
                        self._fill(pane + at, (85.0, 80.0, 75.0), 'building')
            left += width * rng.uniform(0.8, 1.6)

    def _trees(self, rng: np.random.Generator) -> None:
        angles = np.arange(16) * (2 * pi / 16)
        circle = np.column_stack([np.cos(angles), np.sin(angles)])
        column = -2 * self._metre
        while column < self._pixels.shape[1]:
            radius = rng.uniform(1.6, 3.4) * self._metre
            crown = circle * radius * rng.uniform(0.85, 1.1, (16, 1))
            centre = np.array((column, self._foot - radius * 0.7))
            share = rng.uniform(0.7, 1.2)
            color = (45 * share, 95 * share, 65 * share)
            self._fill(crown + centre, color, 'vegetation')
            column += radius * rng.uniform(0.6, 1.1)

    def _fill(self, outline: Array, color: Color, name: str) -> None:
        haze = self._light.haze_at(1.3 * FAR)
        gain, lift = self._light.ambient * (1 - haze), self._light.haze * haze
        blue, green, red = (channel * gain + lift for channel in color)
        corners = np.round(outline).astype(np.int32)
        cv2.fillPoly(self._pixels, [corners], (blue, green, red, self._label_ids[name]))


def _sky(
    rng: np.random.Generator, light: Light, shape: tuple[int, int], horizon: float
) -> npt.NDArray[np.uint8]:
    """Draw a sky that pales towards the horizon's row, with clouds by the light's cover."""
    height, width = shape
    rise = np.clip(1 - np.arange(height) / max(horizon, 1.0), 0, 1)[:, None, None] ** 0.7
    sky = (light.haze + 12) * (1 - rise) + np.array(light.zenith) * rise
    field = np.zeros(shape)
    for octave in range(5):
        noise = rng.standard_normal((5 * 2**octave, 3 * 2**octave))
        noise = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), float)
        field += noise / 1.7**octave
    clouds = field[..., None]
    if light.cloud_cover >= 1:
        sky = sky + 9 * np.clip(clouds, -2, 2)
    else:
        level = 1.2 * (1 - 2 * light.cloud_cover)
        cover = 0.85 * np.clip((clouds - level) / 1.5, 0, 1)
        sky = sky * (1 - cover) + (light.haze + 30 * np.clip(clouds, -1, 1)) * cover
    return np.clip(sky, 0, 255).astype(np.uint8)
