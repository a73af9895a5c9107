"""Where a camera sits on its vehicle, and where its pixels meet the ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.lens import Array, Lens

_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Takes the optical frame to that of the camera's body (REP-103): x forward, y left, z up."""


class MountError(ValueError):
    """Numbers that are no place for a camera."""


@dataclass(frozen=True, eq=False)
class Mount:
    """A camera's pose: `rotation` [3, 3] and `position` [3] take optical points to the vehicle's.

    :raises MountError: when the rotation is none or the camera is not above the ground.
    """

    rotation: Array
    position: Array

    def __post_init__(self) -> None:
        rotation, position = self.rotation, self.position
        if rotation.shape != (3, 3) or position.shape != (3,):
            raise MountError(
                'mount: expected a rotation [3, 3] and a position [3], got '
                f'{list(rotation.shape)} and {list(position.shape)}'
            )
        turned = rotation @ rotation.T - np.eye(3)
        if not np.abs(turned).max() < 1e-6 or np.linalg.det(rotation) < 0:
            raise MountError(f'mount: expected a rotation, got {rotation.tolist()}')
        if not np.isfinite(position).all() or position[2] <= 0:
            raise MountError(
                f'mount: expected a camera above the ground, got one at {position.tolist()} m; '
                'its height is from the ground up'
            )

    @classmethod
    def from_angles(
        cls,
        height: float,
        *,
        x: float = 0.0,
        y: float = 0.0,
        roll: float = 0.0,
        pitch: float = 0.0,
        yaw: float = 0.0,
    ) -> Mount:
        """Mount a camera by hand.

        :param height: above the ground, metres.
        :param x: forward of the vehicle's origin, metres; `y`: left of it.
        :param roll: radians about the fixed axes x, y, z in that order (REP-103): positive roll
            leans to the right, positive `pitch` looks down, positive `yaw` to the left.
        """
        cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (cos, sin))
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
        about_y = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
        about_z = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
        return cls(about_z @ about_y @ about_x @ _OPTICAL, np.array([x, y, height], float))

    @classmethod
    def from_transform(cls, matrix: npt.ArrayLike, *, ground: float = 0.0) -> Mount:
        """Mount a camera by a transform, as tf2 gives it.

        :param matrix: [4, 4], takes points of the optical frame to the vehicle's.
        :param ground: z of the ground in that vehicle frame, metres: 0 in base_footprint, less than
            0 in a base_link above it.
        """
        whole = np.asarray(matrix, float)
        if whole.shape != (4, 4) or not np.allclose(whole[3], (0, 0, 0, 1)):
            raise MountError(
                f'transform: expected [4, 4] with (0, 0, 0, 1) at the end, got {whole.tolist()}'
            )
        return cls(whole[:3, :3].copy(), whole[:3, 3] - (0.0, 0.0, ground))

    @property
    def height(self) -> float:
        """Of the camera above the ground, metres."""
        return float(self.position[2])

    @property
    def foot(self) -> Array:
        """Ground point straight below the camera, [2], vehicle frame."""
        return self.position[:2]

    @property
    def heading(self) -> float:
        """Bearing that the camera looks to, radians; of its upper edge where it looks down."""
        forward, up = self.rotation[:, 2], -self.rotation[:, 1]
        axis = forward if np.hypot(*forward[:2]) > 1e-3 else up
        return float(np.arctan2(axis[1], axis[0]))


@dataclass(frozen=True, eq=False)
class GroundCamera:
    """A lens on its mount above flat ground."""

    lens: Lens
    mount: Mount

    def ground(self, pixels: npt.ArrayLike) -> Array:
        """Take pixels [..., 2] to vehicle ground points [..., 2]; NaN at the horizon and above."""
        rays = self.lens.rays(pixels) @ self.mount.rotation.T
        down = -rays[..., 2:]
        with np.errstate(divide='ignore', invalid='ignore'):
            reach = np.where(down > 1e-9, self.mount.height / down, np.nan)
        points: Array = self.mount.foot + rays[..., :2] * reach
        return points

    def pixels(self, points: npt.ArrayLike) -> Array:
        """Take ground points [..., 2] to pixels [..., 2]; NaN where the lens cannot see them."""
        flat = np.asarray(points, float) - self.mount.foot
        down = np.full((*flat.shape[:-1], 1), -self.mount.height)
        return self.lens.project(np.concatenate([flat, down], axis=-1) @ self.mount.rotation)

    def horizon(self, bearings: npt.ArrayLike) -> Array:
        """Return the pixels [..., 2] of the horizon at bearings [...], radians, vehicle frame."""
        angle = np.asarray(bearings, float)
        away = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)
        return self.lens.project(away @ self.mount.rotation)
