"""What the world of a scene truly has on its ground, by geometry and not by its pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array
from seg_perception.sim.scene import Scene

KERB = 'sidewalk'
"""The class that the road ends in, on either side."""


@dataclass(frozen=True, eq=False)
class RoadEnd:
    """Where the free road ends: `range` [B] metres, and class names; infinite and '' if nowhere."""

    range: Array
    names: list[str]


def road_end(scene: Scene, t: float, bearings: npt.ArrayLike) -> RoadEnd:
    """Cast rays from the ground below the camera to the first foot-print or kerb.

    :param bearings: [B] radians, vehicle frame, to the left.
    """
    objects = scene.objects(t)
    walls = [np.stack([o.corners, np.roll(o.corners, -1, axis=0)], axis=1) for o in objects]
    names = [o.name for o, wall in zip(objects, walls, strict=True) for _ in wall]
    kerbs = scene.kerbs(t)
    ranges, which = _cast(np.asarray(bearings, float), np.concatenate([*walls, kerbs]))
    names += [KERB] * len(kerbs)
    ends = [
        names[place] if np.isfinite(reach) else ''
        for place, reach in zip(which, ranges, strict=True)
    ]
    return RoadEnd(ranges, ends)


def _cast(bearings: Array, segments: Array) -> tuple[Array, npt.NDArray[np.intp]]:
    """Return the range [B] to the nearest of segments [M, 2, 2] from the origin, and its number.

    A point on a ray at range r is r times the ray; one on a segment is its start and a share of its
    way: two linear equations.
    """
    ray = np.stack([np.cos(bearings), np.sin(bearings)], axis=-1)[:, None]
    start, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    with np.errstate(divide='ignore', invalid='ignore'):
        across = _cross(ray, way)
        reach = _cross(start, way) / across
        share = _cross(start, ray) / across
    met = (reach > 0) & (share >= 0) & (share <= 1)
    reach = np.where(met, reach, np.inf)
    nearest = reach.argmin(axis=1)
    return reach[np.arange(len(bearings)), nearest], nearest


def _cross(a: Array, b: Array) -> Array:
    product: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
