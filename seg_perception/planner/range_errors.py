"""How far the found ends of the free road are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.free_space import End, FreeSpace
from seg_perception.sim.scene import Scene
from seg_perception.sim.truth import road_end

Floats = npt.NDArray[np.float64]

BINS = (0, 10, 15, 20, 25, 30)
"""Metres."""

FAR = float(BINS[-1])
"""Only what truly ends the road up to here is judged, metres."""

OVERRUN = 0.1
"""An end that is this share too far away is dangerous."""


@dataclass
class RangeErrors:
    """The bearings of many frames on which the road truly ends in view, up to `FAR`.

    An end nearer than the first ground in view cannot be seen and is not counted.
    """

    truth: list[Floats] = field(default_factory=list)
    found: list[Floats] = field(default_factory=list)
    unknown: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    names: list[npt.NDArray[np.str_]] = field(default_factory=list)

    def add(self, scene: Scene, t: float, free: FreeSpace) -> None:
        """Compare one frame with the world."""
        end = road_end(scene, t, free.bearing)
        with np.errstate(invalid='ignore'):
            judged = (end.range > free.near) & (end.range <= FAR)
        self.truth.append(end.range[judged])
        self.found.append(free.range[judged].astype(float))
        self.unknown.append(free.end[judged] == End.UNKNOWN)
        self.names.append(np.array(end.names)[judged])

    def summary(self) -> dict[str, Any]:
        """Return the errors as shares of the true range: all, by class and by range."""
        truth, found = np.concatenate(self.truth), np.concatenate(self.found)
        names = np.concatenate(self.names)
        error = (found - truth) / truth
        by_range = np.digitize(truth, BINS[1:-1])
        return {
            **_spread(error),
            'ended_by_unknown': float(np.concatenate(self.unknown).mean()),
            'by_class': {str(n): _spread(error[names == n]) for n in np.unique(names)},
            'by_range_m': {
                f'{low}-{high}': _spread(error[by_range == place])
                for place, (low, high) in enumerate(pairwise(BINS))
                if (by_range == place).any()
            },
        }


def _spread(error: Floats) -> dict[str, Any]:
    size = np.abs(error)
    return {
        'bearings': len(error),
        'median': float(np.median(size)),
        'p90': float(np.percentile(size, 90)),
        'p95': float(np.percentile(size, 95)),
        'median_signed': float(np.median(error)),
        'too_far': float((error > OVERRUN).mean()),
        'too_near': float((error < -OVERRUN).mean()),
    }
