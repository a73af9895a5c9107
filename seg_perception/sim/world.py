"""What stands and moves where: the street goes on without end, all of it drawn from one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import ceil, floor, pi, sin

import numpy as np

from seg_perception.sim.facades import Facade, House, make_facade, make_gable
from seg_perception.sim.foliage import Plant, make_bush, make_tree
from seg_perception.sim.furniture import make_lamp_post, make_sign_post
from seg_perception.sim.ground import FAR, PERIOD, CrossSection
from seg_perception.sim.light import Light
from seg_perception.sim.people import make_bicycle, make_cyclist, make_pedestrian
from seg_perception.sim.things import Placed, Thing
from seg_perception.sim.vehicles import make_car

REACH = {'car': 60.0, 'vegetation': 60.0, 'pole': 50.0}
SMALL_REACH = 42.0
"""How far ahead things are drawn, metres, by class name; others to `SMALL_REACH`."""

_STRETCH = 30.0
_BEHIND = 6.0


class World:
    """The street of one seed in the road frame; the vehicle drives along it at a steady speed."""

    def __init__(
        self, seed: int, section: CrossSection, light: Light, crossing: float | None
    ) -> None:
        rng = np.random.default_rng((seed, 1))
        self.section = section
        self.crossing = crossing
        self._seed = seed
        self.speed = rng.uniform(6.0, 11.0)
        self._start = rng.uniform(0, 500)
        self._lane = -section.lane * (section.lanes - 0.5 if rng.random() < 0.7 else 0.5)
        self._sway = (rng.uniform(0.05, 0.25), rng.uniform(6, 11), rng.uniform(0, 2 * pi))
        self._busy = rng.uniform(0.65, 1.0)
        self._facades = [self._facade(rng) for _ in range(6)]
        self._trees = [make_tree(rng, light.soft) for _ in range(3)]
        self._bushes = [make_bush(rng, light.soft) for _ in range(2)]
        self._houses = lru_cache(64)(self._build_houses)
        self._still = lru_cache(32)(self._build_still)
        self._thing = lru_cache(512)(self._make_thing)

    @staticmethod
    def _facade(rng: np.random.Generator) -> tuple[Facade, Facade]:
        facade = make_facade(rng)
        return facade, make_gable(rng, facade, 10.0)

    def pose(self, t: float) -> tuple[float, float, float]:
        """Return the vehicle's x, y in metres and yaw in radians at a time in seconds."""
        reach, period, phase = self._sway
        rate = 2 * pi / period
        drift = reach * sin(rate * t + phase)
        yaw = reach * rate * np.cos(rate * t + phase) / self.speed
        return self._start + self.speed * t, self._lane + drift, float(yaw)

    def houses(self, x: float) -> list[House]:
        """Return the houses in view from a place along the street, far ones first."""
        first, last = floor((x - 2) / _STRETCH), floor((x + FAR) / _STRETCH)
        found = [
            h for i in range(first, last + 1) for side in (1, -1) for h in self._houses(i, side)
        ]
        return sorted((h for h in found if h.end > x - 2), key=lambda h: -h.start)

    def things(self, t: float) -> list[Placed]:
        """Return everything but houses near the vehicle at a time, far ones first."""
        x = self.pose(t)[0]
        low, high = x - _BEHIND, x + max(REACH.values())
        placed = list(self._standing(low, high))
        placed += self._traffic(t, low, high)
        placed += self._walkers(t, low, high)
        placed += self._crossers(t, low, high)
        seen = (p for p in placed if p.x < x + REACH.get(p.thing.name, SMALL_REACH))
        return sorted(seen, key=lambda p: -p.x)

    def _build_houses(self, stretch: int, side: int) -> tuple[House, ...]:
        rng = np.random.default_rng((self._seed, 2, stretch & 0xFFFF, side + 1))
        houses: list[House] = []
        x = stretch * _STRETCH + (rng.uniform(1.0, 4.0) if rng.random() < 0.5 else 0.0)
        while True:
            facade, gable = self._facades[rng.integers(len(self._facades))]
            if x + facade.width > (stretch + 1) * _STRETCH:
                return tuple(houses)
            front = self.section.sidewalk_end + self.section.front(side) * rng.uniform(1.0, 1.2)
            houses.append(House(x, side, front, gable.width, facade, gable))
            x += facade.width + (rng.uniform(1.5, 5.0) if rng.random() < 0.4 else 0.0)

    def _build_still(self, stretch: int) -> tuple[Placed, ...]:
        rng = np.random.default_rng((self._seed, 3, stretch & 0xFFFF))
        section, start = self.section, stretch * _STRETCH
        placed: list[Placed] = []
        row = section.carriageway + 0.7
        for side in (1, -1):
            slots = start + (np.arange(6) + rng.uniform(0.3, 0.7, 6)) * _STRETCH / 6
            kinds = rng.permutation(['lamp', 'sign', 'tree', 'tree', 'bicycle', 'sign'])
            for x, kind in zip(slots, kinds, strict=True):
                if kind == 'lamp':
                    placed.append(Placed(make_lamp_post(rng, side), x, side * row))
                elif kind == 'sign':
                    placed.append(Placed(make_sign_post(rng), x, side * row))
                elif kind == 'tree':
                    placed.append(self._plant(rng, x, side, row))
                elif rng.random() < 0.75:
                    heading = rng.choice([-1, 1]) * pi / 2 + rng.uniform(-0.5, 0.5)
                    y = side * (section.sidewalk_end - 0.7)
                    placed.append(Placed(make_bicycle(rng), x, y, heading))
            if section.parking:
                placed += self._parked(rng, start, side)
            placed += self._green(rng, start, side)
        return tuple(placed)

    def _plant(self, rng: np.random.Generator, x: float, side: int, row: float) -> Placed:
        tree: Plant = self._trees[rng.integers(len(self._trees))]
        return Placed(tree, x, side * row)

    def _green(self, rng: np.random.Generator, start: float, side: int) -> Iterator[Placed]:
        """Bushes of a front garden; in a park trees, too."""
        front = self.section.front(side)
        for x in start + rng.uniform(0, _STRETCH, 3 if front else 0):
            bush = self._bushes[rng.integers(len(self._bushes))]
            y = self.section.sidewalk_end + front * rng.uniform(0.5, 0.85)
            yield Placed(bush, x, side * y)
        for x in start + rng.uniform(0, _STRETCH, 3 if front > 8.0 else 0):
            y = self.section.sidewalk_end + front * rng.uniform(0.35, 0.9)
            yield self._plant(rng, x, side, y)

    def _parked(self, rng: np.random.Generator, start: float, side: int) -> Iterator[Placed]:
        for slot in range(5):
            x = start + (slot + 0.5) * _STRETCH / 5 + rng.uniform(-0.3, 0.3)
            car = make_car(rng)
            if rng.random() < 0.55 * self._busy and not self._at_crossing(x, 6.0):
                heading = 0.0 if side < 0 else pi
                yield Placed(car, x, side * self.section.parking_centre, heading)

    def _at_crossing(self, x: float, room: float) -> bool:
        if self.crossing is None:
            return False
        ahead = (x - self.crossing - 2.0 + PERIOD / 2) % PERIOD - PERIOD / 2
        return abs(ahead) < room

    def _standing(self, low: float, high: float) -> Iterator[Placed]:
        for stretch in range(floor(low / _STRETCH), floor(high / _STRETCH) + 1):
            yield from (p for p in self._still(stretch) if low <= p.x <= high)

    def _make_thing(
        self, kind: str, key: int, make: Callable[..., Thing]
    ) -> tuple[Thing, float, float, float]:
        number = sum(ord(letter) * 31**i for i, letter in enumerate(kind)) & 0xFFFF
        rng = np.random.default_rng((self._seed, 4, number, key & 0xFFFF))
        return make(rng), *(float(v) for v in rng.random(3))

    def _stream(
        self,
        kind: str,
        make: Callable[..., Thing],
        spacing: float,
        speed: float,
        t: float,
        low: float,
        high: float,
    ) -> Iterator[tuple[Thing, float, float, float]]:
        """An endless row of things that moves along: (thing, x, two random numbers)."""
        shift = speed * t
        for key in range(floor((low - shift) / spacing) - 1, ceil((high - shift) / spacing) + 1):
            thing, place, first, second = self._thing(kind, key, make)
            x = (key + 0.2 + 0.6 * place) * spacing + shift
            if low <= x <= high:
                yield thing, x, first, second

    def _traffic(self, t: float, low: float, high: float) -> Iterator[Placed]:
        section = self.section
        for lane in range(section.lanes):
            y = section.lane * (lane + 0.5)
            stream = self._stream(f'oncoming {lane}', make_car, 24.0, -8.0 - lane, t, low, high)
            for car, x, keep, shift in stream:
                if keep < 0.75 * self._busy:
                    yield Placed(car, x, y + 0.4 * (shift - 0.5), pi)
        ego = self.pose(t)[0]
        for lane in range(section.lanes):
            y = -section.lane * (lane + 0.5)
            for number, gap in enumerate((16.0, 38.0)):
                car, place, keep, shift = self._thing(f'leading {lane}', number, make_car)
                x = ego + gap + 5.0 * place + 4.0 * sin(0.35 * t + 6.28 * shift)
                if keep < 0.7 * self._busy and x <= high:
                    yield Placed(car, x, y + 0.4 * (shift - 0.5), 0.0)
        for side, speed in ((-1, 4.5), (1, -4.5)):
            stream = self._stream(f'rider {side}', make_cyclist, 17.0, speed, t, low, high)
            for rider, x, keep, shift in stream:
                if keep < 0.95 * self._busy:
                    y = side * (section.cycle_centre + 0.4 * (shift - 0.5))
                    yield Placed(rider, x, y, 0.25 if side < 0 else pi + 0.25, abs(speed) * t)

    def _walkers(self, t: float, low: float, high: float) -> Iterator[Placed]:
        section = self.section
        lanes = ((0.42, 1.3), (0.58, -1.2), (0.76, -1.45))
        for side in (1, -1):
            for share, speed in lanes:
                stream = self._stream(
                    f'walker {side} {share}', make_pedestrian, 15.0, speed, t, low, high
                )
                for person, x, keep, shift in stream:
                    if keep < 0.8 * self._busy:
                        y = section.carriageway + section.sidewalk * (share + 0.1 * (shift - 0.5))
                        heading = 0.0 if speed > 0 else pi
                        yield Placed(person, x, side * y, heading, abs(speed) * t + 1.4 * shift)

    def _crossers(self, t: float, low: float, high: float) -> Iterator[Placed]:
        """People who cross at the zebra before the vehicle comes; others wait at the kerb."""
        if self.crossing is None:
            return
        ego = self.pose(0.0)[0]
        for number in range(floor(low / PERIOD) - 1, ceil(high / PERIOD) + 1):
            for person_number in range(4):
                person, late, shift, way = self._thing(
                    f'crosser {person_number}', number, make_pedestrian
                )
                x = number * PERIOD + self.crossing + 0.5 + 3.0 * shift
                if not low <= x <= high:
                    continue
                arrival = (x - ego) / self.speed
                side = 1 if way < 0.5 else -1
                edge = self.section.carriageway + 0.7
                walked = 1.5 * (t - (arrival - 2.5 - 2.0 * late) + 2 * edge / 1.5)
                y = min(max(walked, 0.0), 2 * edge) - edge
                moving = 0.0 < walked < 2 * edge
                yield Placed(person, x, -side * y, -side * pi / 2, walked if moving else 0.35)
