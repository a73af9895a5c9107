"""The ground as a fan of bearings around the camera's foot: pixel look-ups made once a camera."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.lens import Array
from seg_perception.core.ground.mount import GroundCamera

_HALVES = 2
"""Samples of the ground for each pixel's angle, so that no pixel on the way is jumped over."""


@dataclass(frozen=True)
class Trust:
    """How exact a camera is, and what is believed.

    :ivar pitch_error: standard deviation of the camera's angle to the ground, radians: calibration,
        and the body's pitch when braking.
    :ivar pixel_error: standard deviation of where a label ends, pixels of the label grid.
    :ivar max_range: nothing farther is believed, metres from the camera's foot.
    :ivar max_error: nor what has a larger standard deviation of its range, as share of the range.
    :ivar max_blind: a bearing on which the first ground in view is farther than this is not
        believed to be free, metres.
    """

    pitch_error: float = 0.00436
    pixel_error: float = 0.5
    max_range: float = 50.0
    max_error: float = 0.25
    max_blind: float = 8.0

    def __post_init__(self) -> None:
        for name in ('pitch_error', 'pixel_error', 'max_range', 'max_error', 'max_blind'):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f'{name}: expected a finite number of 0 or more, got {value}')

    def range_error(self, ranges: npt.ArrayLike, height: float, pixel_angle: float) -> Array:
        """Return the standard deviation of ranges [...], metres, on flat ground.

        A point at range r is seen at an angle atan(height / r) below the horizon; an error of that
        angle moves the point by (height² + r²) / height times as much.
        """
        angle = np.hypot(self.pitch_error, self.pixel_error * pixel_angle)
        error: Array = (height**2 + np.asarray(ranges, float) ** 2) / height * angle
        return error

    def farthest(self, height: float, pixel_angle: float) -> float:
        """Return the farthest range that is believed, metres."""
        angle = float(np.hypot(self.pitch_error, self.pixel_error * pixel_angle))
        if angle == 0:
            return self.max_range
        # Where the error is max_error of the range: a quadratic equation.
        share = self.max_error * height / angle / 2
        return min(self.max_range, share + sqrt(max(share**2 - height**2, 0.0)))


class Fan:
    """Pixels of the ground along evenly spaced bearings, each from near to far.

    Bearings and ranges are those of the camera's foot, with axes along the vehicle's.

    :ivar bearing: [B] radians, ascending by `step`; they may go on beyond pi.
    :ivar edge: [S + 1] metres, ascending: sample s of a bearing stands for edge[s] to edge[s + 1].
    :ivar index: [B, S], flat pixel of each sample; two more stand for what is not in view, `blind`
        before the first sample of the bearing that is, `unseen` behind it.
    :ivar own: [height, width], True where the camera sees its own vehicle.
    :ivar valid: [height, width], True where it sees ground that is believed.
    :ivar start: [B], the first sample in view; S where there is none.

    :param size: (width, height) of the label grid that `camera` has its pixels in.
    :param count: how many bearings; 0 takes as many as the label grid has columns.
    :param ego: [height, width], True where the camera sees its own vehicle.
    """

    def __init__(
        self,
        camera: GroundCamera,
        size: tuple[int, int],
        trust: Trust,
        *,
        count: int = 0,
        ego: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        width, height = self.size = size
        mount, angle = camera.mount, camera.lens.pixel_angle
        self.camera = camera
        self.blind, self.unseen = width * height, width * height + 1
        columns, rows = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
        self._offset = camera.ground(np.stack([columns, rows], axis=-1)) - mount.foot
        reach = np.hypot(self._offset[..., 0], self._offset[..., 1])
        farthest = trust.farthest(mount.height, angle)
        self.own = np.zeros((height, width), np.bool_) if ego is None else ego
        with np.errstate(invalid='ignore'):
            self.valid: npt.NDArray[np.bool_] = (reach < farthest) & ~self.own
        nearest = reach[self.valid].min(initial=farthest)
        self.edge = _edges(mount.height, angle / _HALVES, nearest, farthest)
        self._trust = trust
        self.bearing = self._bearings(mount.heading, count or width)
        self.step = float(self.bearing[1] - self.bearing[0])
        self.index = self._look_up()
        seen = self.index != self.unseen
        samples = self.index.shape[1]
        self.start = np.where(seen.any(axis=1), seen.argmax(axis=1), samples)
        self.start[self.edge[np.minimum(self.start, samples)] > trust.max_blind] = samples
        before = np.arange(samples) < self.start[:, None]
        self.index[before & (self.start < samples)[:, None]] = self.blind
        self.index[self.start == samples] = self.unseen

    @property
    def near(self) -> Array:
        """Range of the first ground in view on each bearing, [B] metres; NaN if there is none."""
        return np.where(self.start < self.index.shape[1], self.edge[self.start], np.nan)

    def error_at(self, ranges: npt.ArrayLike) -> Array:
        """Return the standard deviation of ranges [...], metres."""
        camera = self.camera
        return self._trust.range_error(ranges, camera.mount.height, camera.lens.pixel_angle)

    def points(self, ranges: npt.NDArray[np.floating]) -> Array:
        """Take one range a bearing, [B] metres, to ground points [B, 2] of the vehicle frame."""
        away = np.stack([np.cos(self.bearing), np.sin(self.bearing)], axis=-1)
        points: Array = self.camera.mount.foot + ranges[:, None] * away
        return points

    def place(self, points: npt.ArrayLike) -> tuple[Array, Array]:
        """Take vehicle points [..., 2] to the number of their bearing, a fraction, and range."""
        offset = np.asarray(points, float) - self.camera.mount.foot
        turned = np.arctan2(offset[..., 1], offset[..., 0]) - self.bearing[0]
        # An edge's half step still belongs to the first bearing.
        number = ((turned + self.step) % (2 * pi) - self.step) / self.step
        return number, np.hypot(offset[..., 0], offset[..., 1])

    def pixel_places(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return for each pixel its nearest bearing and its range, [height, width]; inf if none."""
        number, reach = self.place(self._offset + self.camera.mount.foot)
        inside = self.valid & (number > -0.5) & (number < len(self.bearing) - 0.5)
        nearest = np.where(inside, np.rint(np.where(inside, number, 0)), 0)
        return nearest.astype(np.int32), np.where(inside, reach, np.inf).astype(np.float32)

    def _bearings(self, heading: float, count: int) -> Array:
        if not self.valid.any():
            return heading + np.linspace(-1e-3, 1e-3, max(count, 2))
        x, y = self._offset[self.valid].T
        turned = (np.arctan2(y, x) - heading + pi) % (2 * pi) - pi
        low, high = float(turned.min()), float(turned.max())
        middles = (np.arange(max(count, 2)) + 0.5) / max(count, 2)
        bearings: Array = heading + low + (high - low) * middles
        return bearings

    def _look_up(self) -> npt.NDArray[np.int32]:
        width, height = self.size
        middle = (self.edge[:-1] + self.edge[1:]) / 2
        away = np.stack([np.cos(self.bearing), np.sin(self.bearing)], axis=-1)
        points = self.camera.mount.foot + away[:, None] * middle[:, None]
        pixels = self.camera.pixels(points)
        with np.errstate(invalid='ignore'):
            inside = ((pixels >= -0.5) & (pixels < (width - 0.5, height - 0.5))).all(axis=-1)
        index = np.full(inside.shape, self.unseen, np.int32)
        column, row = np.rint(pixels[inside]).astype(np.int32).T
        flat = row * width + column
        index[inside] = np.where(self.own.reshape(-1)[flat], self.unseen, flat)
        return index


def scaled_ego(ego: npt.NDArray[np.generic], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return an ego mask [H, W] at a label grid's (width, height), by nearest neighbour."""
    binary = (ego != 0).astype(np.uint8)
    scaled = cv2.resize(binary, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(scaled, np.uint8) > 0


def _edges(height: float, step: float, nearest: float, farthest: float) -> Array:
    """Return ranges, ascending, that lie `step` radians apart as the camera sees them."""
    lowest, highest = np.arctan2(height, farthest), np.arctan2(height, nearest)
    count = max(int(np.ceil((highest - lowest) / step)), 1)
    edges: Array = height / np.tan(lowest + step * np.arange(count, -1, -1))
    return edges
