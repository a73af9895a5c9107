"""What lens and sensor add: slight blur, exposure and white balance, noise, rain streaks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Camera
from seg_perception.sim.light import Light

_TILE = 256


class Sensor:
    """Turns painted colours into a camera frame."""

    def __init__(self, rng: np.random.Generator, camera: Camera, light: Light) -> None:
        self._tone = np.diag(light.tone).astype(np.float32)
        strength = rng.uniform(1.5, 4.5) * (1.4 if light.weather == 'dusk' else 1.0)
        gray, color = rng.standard_normal((_TILE, _TILE, 1)), rng.standard_normal((_TILE, _TILE, 3))
        grain = strength * (0.8 * gray + 0.6 * color)
        if light.wet:
            grain += _rain(rng)
        tile = np.clip(128 + grain, 0, 255).astype(np.uint8)
        self._noise = np.tile(tile, (camera.height // _TILE + 2, camera.width // _TILE + 2, 1))

    def expose(self, pixels: npt.NDArray[np.uint8], t: float) -> npt.NDArray[np.uint8]:
        """Return the frame, uint8 [H, W, 3], that the camera makes of a canvas [H, W, 4]."""
        height, width = pixels.shape[:2]
        frame = cv2.transform(cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), self._tone)
        frame = cv2.GaussianBlur(frame, (3, 3), 0.6)
        tick = round(t * 1000)
        row, column = (tick * 7919) % _TILE, (tick * 104729) % _TILE
        noise = self._noise[row : row + height, column : column + width]
        return np.asarray(cv2.addWeighted(frame, 1.0, noise, 1.0, -128.0), np.uint8)


def _rain(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Faint slanted streaks on a tile [_TILE, _TILE, 1]."""
    tile = np.zeros((_TILE, _TILE, 1), np.float32)
    for _ in range(30):
        x, y = (int(value) for value in rng.integers(0, _TILE, 2))
        length = int(rng.integers(12, 34))
        cv2.line(tile, (x, y), (x + length // 5, y + length), (16.0,), 1)
    return tile
