"""What stands along the street: houses, trees, bushes, posts, parked cars and bicycles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import floor, pi

import numpy as np

from seg_perception.sim.cyclists import make_bicycle
from seg_perception.sim.facades import House, make_facade, make_gable
from seg_perception.sim.foliage import make_bush, make_tree
from seg_perception.sim.furniture import make_lamp_post, make_sign_post
from seg_perception.sim.street import PERIOD, ZEBRA, Street
from seg_perception.sim.things import Placed
from seg_perception.sim.vehicles import make_car

_STRETCH = 30.0
"""The street is drawn in stretches of this many metres, each from its own random numbers."""

_PARK = 8.0
"""A front garden deeper than this is a park with trees."""


class Roadside:
    """The standing things of a street without end."""

    def __init__(self, street: Street) -> None:
        self._street = street
        rng = np.random.default_rng((street.seed, 1))
        facades = [make_facade(rng) for _ in range(6)]
        self._designs = [(facade, make_gable(rng, facade, 10.0)) for facade in facades]
        self._trees = [make_tree(rng, street.light.soft) for _ in range(3)]
        self._bushes = [make_bush(rng, street.light.soft) for _ in range(2)]
        self._row = lru_cache(64)(self._build_row)
        self._stretch = lru_cache(32)(self._build_stretch)

    def houses(self, low: float, high: float) -> list[House]:
        """Return the houses between two places along the street."""
        return [
            house
            for stretch in range(floor(low / _STRETCH), floor(high / _STRETCH) + 1)
            for side in (1, -1)
            for house in self._row(stretch, side)
            if house.end > low and house.start < high
        ]

    def things(self, low: float, high: float) -> list[Placed]:
        """Return everything but houses between two places along the street."""
        return [
            placed
            for stretch in range(floor(low / _STRETCH), floor(high / _STRETCH) + 1)
            for placed in self._stretch(stretch)
            if low <= placed.x <= high
        ]

    def _build_row(self, stretch: int, side: int) -> tuple[House, ...]:
        """Draw the houses of one side of a stretch, some with gaps between them."""
        rng = self._random(2, stretch, side)
        section = self._street.section
        houses: list[House] = []
        x = stretch * _STRETCH + (rng.uniform(1.0, 4.0) if rng.random() < 0.5 else 0.0)
        while True:
            facade, gable = self._designs[rng.integers(len(self._designs))]
            if x + facade.width > (stretch + 1) * _STRETCH:
                return tuple(houses)
            front = section.sidewalk_end + section.front(side) * rng.uniform(1.0, 1.2)
            before = houses[-1] if houses else None
            hidden = (
                before is not None
                and before.end == x
                and before.front <= front
                and before.facade.height >= facade.height
            )
            houses.append(House(x, side, front, facade, gable, hidden))
            x += facade.width + (rng.uniform(1.5, 5.0) if rng.random() < 0.4 else 0.0)

    def _build_stretch(self, stretch: int) -> tuple[Placed, ...]:
        start = stretch * _STRETCH
        placed: list[Placed] = []
        for side in (1, -1):
            rng = self._random(3, stretch, side)
            placed += self._kerbside(rng, start, side)
            placed += self._parked(rng, start, side)
            placed += self._green(rng, start, side)
        return tuple(placed)

    def _kerbside(self, rng: np.random.Generator, start: float, side: int) -> Iterator[Placed]:
        section = self._street.section
        kinds = rng.permutation(['lamp', 'sign', 'tree', 'tree', 'bicycle', 'sign'])
        slots = start + (np.arange(6) + rng.uniform(0.3, 0.7, 6)) * _STRETCH / 6
        for x, kind in zip(slots.tolist(), kinds, strict=True):
            y = side * (section.carriageway + 0.7)
            if kind == 'lamp':
                yield Placed(make_lamp_post(rng, side), x, y)
            elif kind == 'sign':
                yield Placed(make_sign_post(rng), x, y)
            elif kind == 'tree':
                yield Placed(self._trees[rng.integers(len(self._trees))], x, y)
            elif rng.random() < 0.75:
                heading = rng.choice([-1, 1]) * pi / 2 + rng.uniform(-0.5, 0.5)
                yield Placed(make_bicycle(rng), x, side * (section.sidewalk_end - 0.7), heading)

    def _parked(self, rng: np.random.Generator, start: float, side: int) -> Iterator[Placed]:
        section = self._street.section
        if not section.parking:
            return
        for slot in range(5):
            x = start + (slot + 0.5) * _STRETCH / 5 + rng.uniform(-0.3, 0.3)
            if rng.random() < 0.55 * self._street.busy and not self._near_zebra(x):
                heading = 0.0 if side < 0 else pi
                yield Placed(make_car(rng), x, side * section.parking_centre, heading)

    def _green(self, rng: np.random.Generator, start: float, side: int) -> Iterator[Placed]:
        """Bushes of a front garden; in a park trees, too."""
        section = self._street.section
        front = section.front(side)
        for x in start + rng.uniform(0, _STRETCH, 3 if front else 0):
            y = section.sidewalk_end + front * rng.uniform(0.5, 0.85)
            yield Placed(self._bushes[rng.integers(len(self._bushes))], x, side * y)
        for x in start + rng.uniform(0, _STRETCH, 3 if front > _PARK else 0):
            y = section.sidewalk_end + front * rng.uniform(0.35, 0.9)
            yield Placed(self._trees[rng.integers(len(self._trees))], x, side * y)

    def _near_zebra(self, x: float) -> bool:
        """Whether a parked car would stand on a zebra or hide it."""
        if self._street.crossing is None:
            return False
        middle = self._street.crossing + ZEBRA / 2
        return abs((x - middle + PERIOD / 2) % PERIOD - PERIOD / 2) < 6.0

    def _random(self, purpose: int, stretch: int, side: int) -> np.random.Generator:
        return np.random.default_rng((self._street.seed, purpose, stretch & 0xFFFF, side + 1))
