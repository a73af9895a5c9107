"""The camera of the made-up street: a pinhole without distortion, looking forward.

Frames (REP-103, REP-105):

- road: x along the street, y left of its centre line, z up; the world stands still in it;
- vehicle: x forward, y left, z up, origin on the ground straight below the camera;
- camera optical: x right, y down, z forward; pixel centres lie at whole coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin, tan

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Intrinsics:
    """Focal lengths and principal point in pixels."""

    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True)
class Camera:
    """A camera on a vehicle: size in pixels, height above the ground in metres, pitch in radians.

    A positive pitch looks down.
    """

    width: int
    height: int
    intrinsics: Intrinsics
    mount_height: float
    pitch: float

    @classmethod
    def with_field_of_view(
        cls, width: int, height: int, degrees: float, mount_height: float, pitch: float
    ) -> Camera:
        """Make a camera with square pixels from its horizontal field of view."""
        focal = width / 2 / tan(np.radians(degrees) / 2)
        intrinsics = Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2)
        return cls(width, height, intrinsics, mount_height, pitch)

    @property
    def horizon(self) -> float:
        """Image row of the horizon."""
        return self.intrinsics.cy - self.intrinsics.fy * tan(self.pitch)

    def row_of(self, distance: float) -> float:
        """Image row of a ground point straight ahead at a distance in metres."""
        down = self.mount_height * cos(self.pitch) - distance * sin(self.pitch)
        forward = distance * cos(self.pitch) + self.mount_height * sin(self.pitch)
        return self.intrinsics.cy + self.intrinsics.fy * down / forward

    def distance_at(self, row: float) -> float:
        """Return how far ahead the ground is in an image row below the horizon, metres."""
        slope = (row - self.intrinsics.cy) / self.intrinsics.fy
        return self.mount_height * (1 - slope * tan(self.pitch)) / (slope + tan(self.pitch))

    def view(self, x: float, y: float, yaw: float) -> View:
        """Return the view from a vehicle pose in the road frame."""
        return View(self, x, y, yaw)


class View:
    """A camera at a pose in the road frame; `matrix` [3, 4] takes road points to pixels."""

    def __init__(self, camera: Camera, x: float, y: float, yaw: float) -> None:
        k = camera.intrinsics
        self.camera = camera
        self.x, self.y, self.yaw = x, y, yaw
        c, s = cos(yaw), sin(yaw)
        to_vehicle = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        cp, sp = cos(camera.pitch), sin(camera.pitch)
        to_optical = np.array([[0.0, -1.0, 0.0], [-sp, 0.0, -cp], [cp, 0.0, -sp]])
        pinhole = np.array([[k.fx, 0.0, k.cx], [0.0, k.fy, k.cy], [0.0, 0.0, 1.0]])
        rotation = pinhole @ to_optical @ to_vehicle
        self.eye = np.array([x, y, camera.mount_height])
        self.matrix: Array = np.hstack([rotation, -(rotation @ self.eye)[:, None]])
        self._to_vehicle = to_vehicle

    def project(self, points: Array) -> Array:
        """Take road points [N, 3] to homogeneous pixels [N, 3]; the last column is the depth."""
        result: Array = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        return result

    def to_vehicle(self, points: Array) -> Array:
        """Take road points [N, 2] on the ground to the vehicle frame."""
        result: Array = (points - self.eye[:2]) @ self._to_vehicle[:2, :2].T
        return result
