"""Weather and light of a scene: how bright a surface is and how much haze lies before it."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, sin

import numpy as np
import numpy.typing as npt

Color = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""


@dataclass(frozen=True)
class Light:
    """Light of one scene. `sun` points from the ground to the sun, in the road frame."""

    weather: str
    sun: tuple[float, float, float]
    ambient: float
    direct: float
    haze: float
    density: float
    zenith: Color
    cloud_cover: float
    wet: bool
    tone: Color

    @property
    def casts_shadows(self) -> bool:
        """Whether the sun is out."""
        return self.direct > 0

    @property
    def soft(self) -> float:
        """The brightness of what has no one face, such as people and leaves."""
        return self.ambient + 0.5 * self.direct

    def shade(self, normal: tuple[float, float, float]) -> float:
        """Return the brightness of a surface by its outward normal in the road frame."""
        lit = sum(a * b for a, b in zip(normal, self.sun, strict=True))
        return self.ambient + self.direct * max(0.0, lit)

    def shades(self, normals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the brightness of surfaces by their outward normals [N, 3]."""
        lit = np.clip(normals @ np.array(self.sun), 0.0, None)
        result: npt.NDArray[np.float64] = self.ambient + self.direct * lit
        return result

    def haze_at(self, distance: float) -> float:
        """Return the share of haze, 0 to 1, before something at a distance in metres."""
        return 1.0 - exp(-self.density * max(0.0, distance))


def make_light(rng: np.random.Generator) -> Light:
    """Draw a weather and a time of day."""
    weather = str(
        rng.choice(['sun', 'dusk', 'overcast', 'fog', 'rain'], p=[0.4, 0.15, 0.2, 0.1, 0.15])
    )
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.radians(rng.uniform(14, 24) if weather == 'dusk' else rng.uniform(28, 60))
    sun = (cos(elevation) * cos(azimuth), cos(elevation) * sin(azimuth), sin(elevation))
    ambient, direct = {
        'sun': (0.62, 0.48),
        'dusk': (0.5, 0.4),
        'overcast': (0.9, 0.0),
        'fog': (0.88, 0.0),
        'rain': (0.76, 0.0),
    }[weather]
    density = {'sun': 0.004, 'dusk': 0.006, 'overcast': 0.007, 'fog': 0.022, 'rain': 0.012}[weather]
    zenith: Color = {
        'sun': (205.0, 140.0, 80.0),
        'dusk': (165.0, 120.0, 95.0),
        'overcast': (200.0, 192.0, 184.0),
        'fog': (205.0, 203.0, 200.0),
        'rain': (172.0, 166.0, 160.0),
    }[weather]
    return Light(
        weather=weather,
        sun=sun,
        ambient=ambient,
        direct=direct,
        haze={'sun': 215.0, 'dusk': 190.0, 'overcast': 205.0, 'fog': 205.0, 'rain': 178.0}[weather],
        density=density * rng.uniform(0.7, 1.3),
        zenith=zenith,
        cloud_cover={'sun': rng.uniform(0.0, 0.6), 'dusk': rng.uniform(0.2, 0.7)}.get(weather, 1.0),
        wet=weather == 'rain',
        tone=_tone(rng, weather),
    )


def _tone(rng: np.random.Generator, weather: str) -> Color:
    """Exposure and white balance of the camera: gains of blue, green and red."""
    warmth = rng.uniform(0.05, 0.15) if weather == 'dusk' else rng.uniform(-0.05, 0.05)
    exposure = rng.uniform(0.82, 1.0) if weather == 'dusk' else rng.uniform(0.85, 1.12)
    return exposure * (1 - warmth), exposure, exposure * (1 + warmth)
