"""What lens and sensor add: slight blur, tone, noise, rain streaks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Camera
from seg_perception.sim.light import Light

_TILE = 256
_STEP = 16


class Sensor:
    """Turns painted colours into a camera frame."""

    def __init__(self, rng: np.random.Generator, camera: Camera, light: Light) -> None:
        self._tone = np.ascontiguousarray(light.tone)
        self._size = (camera.height, camera.width)
        strength = rng.uniform(1.5, 4.5) * (1.4 if light.weather == 'dusk' else 1.0)
        grain = rng.standard_normal((_TILE, _TILE, 1)) * 0.8 + rng.standard_normal((_TILE, _TILE, 3)) * 0.6
        if light.wet:
            grain += _rain(rng) / strength
        tile = np.clip(128 + strength * grain, 0, 255).astype(np.uint8)
        repeats = (camera.height // _TILE + 2, camera.width // _TILE + 2, 1)
        self._noise = np.tile(tile, repeats)

    def expose(self, color: npt.NDArray[np.uint8], t: float) -> npt.NDArray[np.uint8]:
        """Return the frame uint8 [H, W, 3] that the camera makes of painted colours."""
        height, width = self._size
        frame = cv2.GaussianBlur(color, (3, 3), 0.6)
        frame = cv2.LUT(frame, self._tone)
        tick = int(round(t * 1000))
        row, column = (tick * 7919) % _TILE, (tick * 104729) % _TILE
        noise = self._noise[row : row + height, column : column + width]
        result: npt.NDArray[np.uint8] = cv2.addWeighted(frame, 1.0, noise, 1.0, -128.0)
        return result


def _rain(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Faint slanted streaks on a tile."""
    tile = np.zeros((_TILE, _TILE), np.float32)
    for _ in range(30):
        x, y = rng.integers(0, _TILE, 2)
        length = int(rng.integers(12, 34))
        cv2.line(tile, (int(x), int(y)), (int(x) + length // 5, int(y) + length), 16.0, 1)
    return tile[..., None].astype(np.float64)
