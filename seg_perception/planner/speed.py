"""How fast to drive by what the camera sees: the least that a planner does with free space."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class SpeedLimits:
    """What a vehicle may do; metres, seconds.

    :ivar cruise: speed where all is free.
    :ivar least: slower than this it does not drive at all: it would creep by every error.
    :ivar braking: deceleration that is planned with; the vehicle should be able to do more.
    :ivar reaction: time until a command takes effect.
    :ivar half_width: of the corridor that has to be free, from the vehicle's middle.
    :ivar front: how far the front is ahead of the vehicle's origin.
    :ivar gap: that is kept to the end of the free space, from the front or from the first ground
        that is in view, whichever is farther ahead.
    :ivar watchdog: after so long without a usable frame it stops.
    """

    cruise: float = 8.0
    least: float = 0.6
    braking: float = 2.5
    reaction: float = 0.3
    half_width: float = 1.1
    front: float = 1.5
    gap: float = 1.5
    watchdog: float = 0.5


class StopPlanner:
    """Slows down and stops where the free space ends, and when it is no longer told of any."""

    def __init__(self, limits: SpeedLimits | None = None) -> None:
        self.limits = limits or SpeedLimits()
        self._seen: float | None = None
        self._speed = 0.0

    def see(self, stamp: float, corridor: Corridor, *, usable: bool) -> None:
        """Take a frame.

        :param stamp: of its image, seconds.
        :param usable: whether it is to be driven by.
        """
        limits = self.limits
        # What it stops for shall stay in view.
        stand = max(limits.front, corridor.blind) + limits.gap
        room = max(corridor.free - stand, 0.0)
        # Until it stands it needs v * reaction + v² / (2 * braking).
        lost = limits.braking * limits.reaction
        allowed = sqrt(lost**2 + 2 * limits.braking * room) - lost
        moves = usable and allowed >= limits.least
        self._speed = min(limits.cruise, allowed) if moves else 0.0
        self._seen = stamp

    def speed(self, now: float) -> float:
        """Return the speed to drive at now, m/s."""
        if self._seen is None or not abs(now - self._seen) <= self.limits.watchdog:
            return 0.0
        return self._speed


@dataclass(frozen=True)
class Corridor:
    """What is known of a straight way ahead, metres from the vehicle's origin.

    :ivar free: up to where nothing is in it; infinite if nothing ends it.
    :ivar blind: up to where the camera sees no ground in it.
    """

    free: float
    blind: float


def look_ahead(
    origin: tuple[float, float],
    bearing: npt.NDArray[np.floating],
    near: npt.NDArray[np.floating],
    reach: npt.NDArray[np.floating],
    error: npt.NDArray[np.floating],
    *,
    half_width: float,
) -> Corridor:
    """Return what a free space says of the corridor.

    Every bearing whose free space ends in the corridor ends it there, whatever it is that ends it.
    A bearing that begins blocked in the corridor ends it at once: what blocks it may be anywhere
    nearer than the first ground in view. One without ground in view counts as blocked where the
    farthest of the others begins.

    :param origin: that bearings and ranges begin at; arrays are those of a free space, [B].
    :param error: standard deviation of the range; so much less is believed.
    """
    if np.isnan(near).all():
        return Corridor(free=0.0, blind=np.inf)
    free = reach > 0
    first = np.nan_to_num(near, nan=np.nanmax(near))
    ends = np.where(free, np.maximum(reach - error, 0.0), first)

    def inside(ranges: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        return np.asarray(np.abs(origin[1] + ranges * np.sin(bearing)) <= half_width)

    ahead = np.where(free, origin[0] + ends * np.cos(bearing), 0.0)
    blind = origin[0] + first * np.cos(bearing)
    return Corridor(
        free=float(np.min(ahead, where=inside(ends), initial=np.inf)),
        blind=float(np.max(blind, where=inside(first), initial=0.0)),
    )
