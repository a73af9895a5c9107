"""What moves in the street: cars, riders and pedestrians, each at a steady speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, pi, sin

import numpy as np

from seg_perception.sim.cyclists import make_cyclist
from seg_perception.sim.people import make_pedestrian
from seg_perception.sim.street import PERIOD, Street
from seg_perception.sim.things import Placed, Thing
from seg_perception.sim.vehicles import make_car

_ONCOMING, _RIDING, _CROSSING = 8.0, 4.5, 1.5
_WALKING = ((0.42, 1.3), (0.58, -1.2), (0.76, -1.45))
"""Share of the sidewalk's width from the kerb, and speed, of three rows of pedestrians."""

_TURNED = 0.25
"""Riders are turned a little across the street, so that they keep showing the same side."""


@dataclass(frozen=True)
class _Member:
    """One thing of a row and three random numbers, 0 to 1, that place it."""

    thing: Thing
    keep: float
    along: float
    across: float


@dataclass(frozen=True)
class _Row:
    """An endless row of things that moves along the street; `number` tells rows apart."""

    number: int
    make: Callable[[np.random.Generator], Thing]
    spacing: float
    speed: float


class Traffic:
    """The moving things of a street without end, as the vehicle that drives there meets them."""

    def __init__(self, street: Street, start: float, speed: float) -> None:
        self._street = street
        self._start, self._speed = start, speed
        self._member = lru_cache(1024)(self._make_member)
        # Cars do not brake for the people on a zebra, so a street has the one or the other.
        self._has_cars = bool(np.random.default_rng((street.seed, 5)).random() < 0.75)

    def things(self, t: float, low: float, high: float) -> Iterator[Placed]:
        """Return what moves between two places along the street at a time in seconds."""
        if self._has_cars:
            yield from self._oncoming(t, low, high)
            yield from self._ahead(t)
        yield from self._riders(t, low, high)
        yield from self._walkers(t, low, high)
        yield from self._crossers(t, low, high)

    def _oncoming(self, t: float, low: float, high: float) -> Iterator[Placed]:
        section = self._street.section
        for lane in range(section.lanes):
            row = _Row(lane, make_car, 24.0, -_ONCOMING - lane)
            for member, x in self._along(row, t, low, high):
                if member.keep < 0.75 * self._street.busy:
                    y = section.lane * (lane + 0.5) + 0.4 * (member.across - 0.5)
                    yield Placed(member.thing, x, y, pi)

    def _ahead(self, t: float) -> Iterator[Placed]:
        """Cars before the vehicle in its direction; they fall back and pull away a little."""
        section = self._street.section
        for lane in range(section.lanes):
            for place, gap in enumerate((16.0, 38.0)):
                member = self._member(_Row(10 + lane, make_car, 0.0, 0.0), place)
                swing = 4.0 * sin(0.35 * t + 2 * pi * member.across)
                if member.keep < 0.7 * self._street.busy:
                    x = self._start + self._speed * t + gap + 5.0 * member.along + swing
                    y = -section.lane * (lane + 0.5) + 0.4 * (member.across - 0.5)
                    yield Placed(member.thing, x, y)

    def _riders(self, t: float, low: float, high: float) -> Iterator[Placed]:
        for side in (-1, 1):
            row = _Row(20 + side, make_cyclist, 17.0, -side * _RIDING)
            for member, x in self._along(row, t, low, high):
                if member.keep < 0.95 * self._street.busy:
                    y = side * (self._street.section.cycle_centre + 0.4 * (member.across - 0.5))
                    heading = _TURNED + (pi if side > 0 else 0.0)
                    yield Placed(member.thing, x, y, heading, _RIDING * t)

    def _walkers(self, t: float, low: float, high: float) -> Iterator[Placed]:
        section = self._street.section
        for side in (1, -1):
            for number, (share, speed) in enumerate(_WALKING):
                row = _Row(30 + 3 * side + number, make_pedestrian, 15.0, speed)
                for member, x in self._along(row, t, low, high):
                    if member.keep < 0.8 * self._street.busy:
                        place = share + 0.1 * (member.across - 0.5)
                        y = side * (section.carriageway + section.sidewalk * place)
                        heading = 0.0 if speed > 0 else pi
                        yield Placed(member.thing, x, y, heading, abs(speed) * t + member.across)

    def _crossers(self, t: float, low: float, high: float) -> Iterator[Placed]:
        """People at the zebras: without cars they cross before the vehicle comes."""
        if self._street.crossing is None:
            return
        edge = self._street.section.carriageway + 0.7
        for period in range(floor(low / PERIOD) - 1, ceil(high / PERIOD) + 1):
            for number in range(4):
                member = self._member(_Row(40 + number, make_pedestrian, 0.0, 0.0), period)
                x = period * PERIOD + self._street.crossing + 0.5 + 3.0 * member.across
                if not low <= x <= high:
                    continue
                arrival = (x - self._start) / self._speed
                walked = _CROSSING * (t - arrival + 2.5 + 2.0 * member.along) + 2 * edge
                walked = 0.0 if self._has_cars else min(max(walked, 0.0), 2 * edge)
                side = 1 if member.keep < 0.5 else -1
                phase = walked if walked < 2 * edge else 0.0
                yield Placed(member.thing, x, side * (edge - walked), -side * pi / 2, phase)

    def _along(
        self, row: _Row, t: float, low: float, high: float
    ) -> Iterator[tuple[_Member, float]]:
        """Return the members of a row between two places, and where each is."""
        shift = row.speed * t
        first, last = floor((low - shift) / row.spacing), ceil((high - shift) / row.spacing)
        for place in range(first - 1, last + 1):
            member = self._member(row, place)
            x = (place + 0.2 + 0.6 * member.along) * row.spacing + shift
            if low <= x <= high:
                yield member, x

    def _make_member(self, row: _Row, place: int) -> _Member:
        rng = np.random.default_rng((self._street.seed, 4, row.number, place & 0xFFFF))
        return _Member(row.make(rng), *rng.random(3).tolist())
