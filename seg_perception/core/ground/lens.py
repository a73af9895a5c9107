"""Lenses of sensor_msgs/CameraInfo: where a ray meets the image, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial

Array = npt.NDArray[np.float64]

_STEPS = 60
_CLOSE = 1e-12


class LensError(ValueError):
    """Numbers of a camera that are no lens this package knows."""


class Lens(ABC):
    """A camera's projection; `coefficients` bend it, the rest is in pixels."""

    def __init__(self, k: Sequence[float], coefficients: Sequence[float]) -> None:
        self.focal: Array = np.array([k[0], k[4]], float)
        self.centre: Array = np.array([k[2], k[5]], float)
        self.coefficients = tuple(float(value) for value in coefficients)

    @property
    def pixel_angle(self) -> float:
        """Angle between neighbouring pixels at the centre, radians: their widest."""
        return float(1 / self.focal.min())

    def project(self, points: npt.ArrayLike) -> Array:
        """Take points [..., 3] of the optical frame to pixels [..., 2]; NaN where they can't be.

        A pixel may lie outside of the image.
        """
        pixels: Array = self._bend(np.asarray(points, float)) * self.focal + self.centre
        return pixels

    def rays(self, pixels: npt.ArrayLike) -> Array:
        """Take pixels [..., 2] to unit rays [..., 3] of the optical frame; NaN where none leads."""
        return self._straighten((np.asarray(pixels, float) - self.centre) / self.focal)

    @abstractmethod
    def _bend(self, points: Array) -> Array:
        """Take points [..., 3] to the image at focal length 1, [..., 2]."""

    @abstractmethod
    def _straighten(self, bent: Array) -> Array:
        """Take the image at focal length 1, [..., 2], to unit rays [..., 3]."""


class Pinhole(Lens):
    """`plumb_bob` and `rational_polynomial`: the model of OpenCV's calib3d (k1 k2 p1 p2 k3…k6)."""

    def __init__(self, k: Sequence[float], coefficients: Sequence[float]) -> None:
        super().__init__(k, coefficients)
        k1, k2, p1, p2, k3, k4, k5, k6 = (*self.coefficients, *[0.0] * 8)[:8]
        self._tangential = (p1, p2)
        self._above = Polynomial([1.0, k1, k2, k3])
        self._below = Polynomial([1.0, k4, k5, k6])
        # Made once, not for every frame.
        self._slopes = self._above.deriv(), self._below.deriv()
        self._reach = _first_root(self._slope(), self._below)

    def _bend(self, points: Array) -> Array:
        depth = points[..., 2:]
        with np.errstate(divide='ignore', invalid='ignore'):
            flat = np.where(depth > 0, points[..., :2] / depth, np.nan)
        bent = self._distort(flat)
        bent[(flat**2).sum(axis=-1) >= self._reach] = np.nan
        return bent

    def _straighten(self, bent: Array) -> Array:
        flat, settled = bent.copy(), np.zeros(bent.shape[:-1], bool)
        with np.errstate(all='ignore'):
            for _ in range(_STEPS):
                error = bent - self._distort(flat)
                settled = np.abs(error).max(axis=-1) < _CLOSE
                if settled.all():
                    break
                # Newton's method: a jump too far is cut, lest it leave the lens.
                a, b, c, d = self._derivative(flat)
                step = (
                    np.stack(
                        [
                            d * error[..., 0] - b * error[..., 1],
                            a * error[..., 1] - c * error[..., 0],
                        ],
                        axis=-1,
                    )
                    / (a * d - b * c)[..., None]
                )
                flat += np.clip(step, -0.5, 0.5)
            settled &= (flat**2).sum(axis=-1) < self._reach
        flat[~settled] = np.nan
        rays = np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], axis=-1)
        unit: Array = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        return unit

    def _distort(self, flat: Array) -> Array:
        p1, p2 = self._tangential
        x, y = flat[..., 0], flat[..., 1]
        s = x * x + y * y
        radial = self._above(s) / self._below(s)
        u = x * radial + 2 * p1 * x * y + p2 * (s + 2 * x * x)
        v = y * radial + p1 * (s + 2 * y * y) + 2 * p2 * x * y
        return np.stack([u, v], axis=-1)

    def _derivative(self, flat: Array) -> tuple[Array, Array, Array, Array]:
        """Return (du/dx, du/dy, dv/dx, dv/dy) of the bent points."""
        p1, p2 = self._tangential
        x, y = flat[..., 0], flat[..., 1]
        s = x * x + y * y
        above, below = self._slopes
        divisor = self._below(s)
        radial = self._above(s) / divisor
        slope = (above(s) - radial * below(s)) / divisor
        across = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        along_x = radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x
        along_y = radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x
        return along_x, across, across, along_y

    def _slope(self) -> Polynomial:
        """Return what is zero where the image's radius stops growing, over the ray's radius²."""
        above, below = self._above, self._below
        above_slope, below_slope = self._slopes
        square = Polynomial([0.0, 1.0])
        slope: Polynomial = above * below + 2 * square * (above_slope * below - above * below_slope)
        return slope


class Fisheye(Lens):
    """`equidistant`: Kannala and Brandt (2006) as in OpenCV's fisheye module (k1…k4)."""

    def __init__(self, k: Sequence[float], coefficients: Sequence[float]) -> None:
        super().__init__(k, coefficients)
        growth = [0.0] * 10
        growth[1::2] = [1.0, *(*self.coefficients, *[0.0] * 4)[:4]]
        self._radius = Polynomial(growth)
        self._reach = min(_first_root(self._radius.deriv()), pi)

    def _bend(self, points: Array) -> Array:
        aside = np.hypot(points[..., 0], points[..., 1])
        angle = np.arctan2(aside, points[..., 2])
        radius = np.where(angle < self._reach, self._radius(angle), np.nan)
        with np.errstate(divide='ignore', invalid='ignore'):
            ratio = np.where(aside > 0, radius / aside, 0 * radius)
        bent: Array = points[..., :2] * ratio[..., None]
        return bent

    def _straighten(self, bent: Array) -> Array:
        radius = np.hypot(bent[..., 0], bent[..., 1])
        angle = np.minimum(radius, self._reach)
        growth = self._radius.deriv()
        with np.errstate(all='ignore'):
            for _ in range(_STEPS):
                error = radius - self._radius(angle)
                if np.abs(error).max(initial=0.0) < _CLOSE:
                    break
                angle = np.clip(angle + np.clip(error / growth(angle), -0.5, 0.5), 0, self._reach)
            settled = (np.abs(radius - self._radius(angle)) < _CLOSE) & (angle < self._reach)
            angle = np.where(settled, angle, np.nan)
            aside = bent * np.where(radius > 0, np.sin(angle) / radius, 1.0)[..., None]
        return np.concatenate([aside, np.cos(angle)[..., None]], axis=-1)


_MODELS: dict[str, tuple[type[Lens], tuple[int, ...], int]] = {
    'plumb_bob': (Pinhole, (0, 4, 5), 5),
    'rational_polynomial': (Pinhole, (8, 12, 14), 8),
    'equidistant': (Fisheye, (4,), 4),
}
"""By CameraInfo's `distortion_model`: the lens, how many numbers D may have, how many are used."""


def make_lens(k: Sequence[float], d: Sequence[float] = (), model: str = 'plumb_bob') -> Lens:
    """Make the lens of a sensor_msgs/CameraInfo.

    :param k: the camera matrix, 9 numbers, row-major, in pixels of the image to be measured in:
        scale it by `scale_intrinsics` for an image that was resized. For rectified images give the
        first three columns of P and no `d`.
    :param d: the distortion, of 0, 4 or 5 (plumb_bob), 8 (rational_polynomial; 12 or 14 with zeros
        at the end) or 4 (equidistant) numbers.
    :param model: `distortion_model`; empty is the same as plumb_bob.
    :raises LensError: when they are not such.
    """
    k, d = [float(value) for value in k], [float(value) for value in d]
    if len(k) != 9 or not np.isfinite([*k, *d]).all() or min(k[0], k[4]) <= 0:
        raise LensError(
            'camera matrix k: expected 9 finite numbers, row-major, with focal lengths above 0, '
            f'got {k}, d {d}; is the camera calibrated?'
        )
    if any(k[place] for place in (1, 3, 6, 7)) or k[8] != 1:
        raise LensError(f'camera matrix k: expected [fx 0 cx, 0 fy cy, 0 0 1], got {k}')
    if (model or 'plumb_bob') not in _MODELS:
        raise LensError(f'distortion model: expected {", ".join(_MODELS)}, got {model!r}')
    lens, lengths, used = _MODELS[model or 'plumb_bob']
    if len(d) not in lengths or any(d[used:]):
        raise LensError(
            f'distortion of {model or "plumb_bob"}: expected {_either(lengths)} numbers'
            f'{f", zeros after the {used}th" if max(lengths) > used else ""}, got {d}'
        )
    return lens(k, d[:used])


def _either(numbers: Sequence[Any]) -> str:
    return ' or '.join(map(str, numbers))


def _first_root(*polynomials: Polynomial) -> float:
    """Return the smallest positive real root of any, infinite if there is none."""
    roots = np.concatenate([polynomial.trim().roots() for polynomial in polynomials])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(min(real[real > 1e-9], default=np.inf))
