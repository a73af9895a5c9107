"""A street without end and the vehicle that drives along it, all of it drawn from one seed."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from seg_perception.sim.facades import House
from seg_perception.sim.ground import FAR
from seg_perception.sim.roadside import Roadside
from seg_perception.sim.street import Street
from seg_perception.sim.things import Placed
from seg_perception.sim.traffic import Traffic

_SIGHT = {'car': 50.0, 'vegetation': 60.0, 'pole': 30.0}
_SMALL_SIGHT = 25.0
"""How far ahead things are drawn, metres, by class name; others to `_SMALL_SIGHT`.

Farther away they would be slivers of a pixel or two.
"""

_BEHIND = 12.0
_HOUSES_BEHIND = 25.0
"""What is behind the vehicle still throws its shadow ahead."""


class World:
    """Everything in the road frame at any time; the vehicle drives at a steady speed."""

    def __init__(self, rng: np.random.Generator, street: Street) -> None:
        section = street.section
        self._carriageway = section.carriageway
        self._speed = rng.uniform(6.0, 11.0)
        self._start = rng.uniform(0, 500)
        self._lane = -section.lane * (section.lanes - 0.5 if rng.random() < 0.7 else 0.5)
        self._sway = (rng.uniform(0.05, 0.25), rng.uniform(6, 11), rng.uniform(0, 2 * pi))
        self._roadside = Roadside(street)
        self._traffic = Traffic(street, self._start, self._speed)

    def pose(self, t: float) -> tuple[float, float, float]:
        """Return the vehicle's x, y in metres and yaw in radians at a time in seconds."""
        reach, period, phase = self._sway
        rate = 2 * pi / period
        drift = reach * sin(rate * t + phase)
        yaw = reach * rate * cos(rate * t + phase) / self._speed
        return self._start + self._speed * t, self._lane + drift, yaw

    def houses(self, t: float) -> list[House]:
        """Return the houses around the vehicle at a time, far ones first."""
        x = self.pose(t)[0]
        found = self._roadside.houses(x - _HOUSES_BEHIND, x + FAR)
        return sorted(found, key=lambda house: -house.start)

    def things(self, t: float) -> list[Placed]:
        """Return everything but houses around the vehicle at a time, far ones first."""
        x = self.pose(t)[0]
        low, high = x - _BEHIND, x + max(_SIGHT.values())
        placed = [*self._roadside.things(low, high), *self._traffic.things(t, low, high)]
        seen = (p for p in placed if p.x < x + _SIGHT.get(p.thing.name, _SMALL_SIGHT))
        return sorted(seen, key=lambda p: -p.x)
