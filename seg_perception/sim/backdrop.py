"""What closes the street far away: sky with clouds above a skyline of trees and houses."""

from __future__ import annotations

from math import tan

import cv2
import numpy as np

from seg_perception.sim.camera_model import Camera
from seg_perception.sim.canvas import Canvas, four_channels
from seg_perception.sim.ground import FAR
from seg_perception.sim.light import Light

_MARGIN = 0.12


class Backdrop:
    """A wide picture at infinity, shifted by the vehicle's yaw."""

    def __init__(
        self, rng: np.random.Generator, camera: Camera, light: Light, label_ids: dict[str, int]
    ) -> None:
        self._margin = int(_MARGIN * camera.width)
        width = camera.width + 2 * self._margin
        foot = int(np.ceil(camera.row_of(FAR)))
        height = min(max(foot + 1, 1), camera.height)
        self._pixels = four_channels(_sky(rng, light, width, height, camera.horizon))
        self._pixels[..., 3] = label_ids['sky']
        metre = camera.intrinsics.fx / FAR
        haze = light.haze_at(1.3 * FAR)

        def hazed(color: tuple[float, float, float]) -> tuple[float, float, float]:
            blue, green, red = (c * light.ambient * (1 - haze) + light.haze * haze for c in color)
            return blue, green, red

        column = 0.0
        while column < width:
            size = rng.uniform(8, 16) * metre
            top = foot - rng.uniform(7, 13) * metre
            if rng.random() < 0.45:
                shape = np.array(
                    [[column, top], [column + size, top], [column + size, foot], [column, foot]]
                )
                gray = rng.uniform(110, 170)
                self._fill(shape, hazed((gray, gray * 1.05, gray * 1.12)), label_ids['building'])
                for row in np.arange(top + 1.2 * metre, foot - 3 * metre, 3 * metre):
                    for left in np.arange(
                        column + 0.8 * metre, column + size - 1.8 * metre, 2.4 * metre
                    ):
                        pane = np.array([[0, 0], [1.1, 0], [1.1, 1.5], [0, 1.5]]) * metre + (
                            left,
                            row,
                        )
                        self._fill(pane, hazed((85.0, 80.0, 75.0)), label_ids['building'])
            column += size * rng.uniform(0.8, 1.6)
        column = -2 * metre
        while column < width:
            radius = rng.uniform(1.6, 3.4) * metre
            angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
            wobble = radius * rng.uniform(0.85, 1.1, 16)
            crown = np.stack(
                [column + wobble * np.cos(angles), foot - radius * 0.7 + wobble * np.sin(angles)], 1
            )
            green = np.array([45, 95, 65]) * rng.uniform(0.7, 1.2)
            self._fill(crown, hazed(tuple(green)), label_ids['vegetation'])
            column += radius * rng.uniform(0.6, 1.1)

    def _fill(self, shape: np.ndarray, color: tuple[float, float, float], label: int) -> None:
        cv2.fillPoly(self._pixels, [np.round(shape).astype(np.int32)], (*color, label))

    def paint(self, canvas: Canvas) -> None:
        """Paint the upper part of a frame, down to where the ground begins."""
        camera = canvas.view.camera
        shift = round(tan(canvas.view.yaw) * camera.intrinsics.fx)
        left = self._margin - min(max(shift, -self._margin), self._margin)
        canvas.pixels[: len(self._pixels)] = self._pixels[:, left : left + camera.width]


def _sky(
    rng: np.random.Generator, light: Light, width: int, height: int, horizon: float
) -> np.ndarray:
    rise = np.clip(1 - np.arange(height) / max(horizon, 1.0), 0, 1)[:, None, None] ** 0.7
    sky = np.full((height, width, 3), light.haze + 12, np.float32)
    sky = sky * (1 - rise) + np.array(light.zenith) * rise
    field = np.zeros((height, width), np.float32)
    for octave in range(5):
        cells = (3 * 2**octave, 5 * 2**octave)
        noise = rng.standard_normal((cells[1], cells[0])).astype(np.float32)
        field += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / 1.7**octave
    level = 1.2 * (1 - 2 * light.cloud_cover)
    cover = np.clip((field - level) / 1.5, 0, 1)[..., None] if light.cloud_cover < 1 else 0.0
    white = light.haze + 30 * np.clip(field, -1, 1)[..., None]
    if light.cloud_cover >= 1:
        sky += 9 * np.clip(field, -2, 2)[..., None]
    else:
        sky = sky * (1 - 0.85 * cover) + white * 0.85 * cover
    return np.clip(sky, 0, 255).astype(np.uint8)
