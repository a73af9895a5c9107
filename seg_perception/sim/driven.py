"""The made-up street through a vehicle that somebody drives, with something in its way."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from seg_perception.sim.cyclists import make_cyclist
from seg_perception.sim.people import make_pedestrian
from seg_perception.sim.scene import Scene
from seg_perception.sim.things import Placed, Thing
from seg_perception.sim.vehicles import make_car
from seg_perception.sim.world import World

_MAKERS = {'car': make_car, 'pedestrian': make_pedestrian, 'cyclist': make_cyclist}
KINDS = (*_MAKERS, 'crossing pedestrian')

_WALKING = 1.4
_BESIDE_THE_LANE = 1.5


@dataclass(frozen=True)
class Blockade:
    """What is in the way.

    :ivar kind: one of `KINDS`; a crossing pedestrian comes from the right and stays in the way.
    :ivar ahead: how far ahead of where the vehicle begins it is, metres.
    :ivar aside: how far left of the lane's middle it is, metres.
    :ivar begins: when somebody crossing sets off, seconds.
    """

    kind: str
    ahead: float
    aside: float = 0.0
    begins: float = 0.0


class DrivenWorld(World):
    """The street where the vehicle is told where it is, and no car drives before it."""

    way: float = 0.0
    """How far the vehicle has come along its lane, metres."""

    blockade: Blockade | None = None
    blocking: Thing | None = None

    def pose(self, t: float) -> tuple[float, float, float]:  # noqa: ARG002  (driven by others)
        """Return the vehicle's x, y in metres and yaw in radians."""
        return self._start + self.way, self._lane, 0.0

    def things(self, t: float) -> list[Placed]:
        """Return everything but houses around the vehicle at a time, far ones first."""
        placed = [p for p in super().things(t) if not self._in_lane(p)]
        if self.blockade is not None and self.blocking is not None:
            placed.append(self._place(self.blockade, self.blocking, t))
        return sorted(placed, key=lambda p: -p.x)

    def _in_lane(self, placed: Placed) -> bool:
        return placed.thing.name == 'car' and abs(placed.y - self._lane) < _BESIDE_THE_LANE

    def _place(self, blockade: Blockade, thing: Thing, t: float) -> Placed:
        x, y = self._start + blockade.ahead, self._lane + blockade.aside
        if blockade.kind != 'crossing pedestrian':
            return Placed(thing, x, y)
        kerb = -self._carriageway - 0.7
        walked = min(max(_WALKING * (t - blockade.begins), 0.0), y - kerb)
        return Placed(thing, x, kerb + walked, pi / 2, walked)


class DrivenScene(Scene):
    """A street of one seed, seen from wherever its vehicle has been driven to.

    :param blockade: what is in the way; None: nothing.
    """

    _world: DrivenWorld
    _world_kind = DrivenWorld

    def __init__(
        self, seed: int, width: int, height: int, blockade: Blockade | None = None
    ) -> None:
        super().__init__(seed, width, height)
        if blockade is not None:
            make = _MAKERS[blockade.kind.removeprefix('crossing ')]
            self._world.blockade = blockade
            self._world.blocking = make(np.random.default_rng((seed, 6)))

    @property
    def way(self) -> float:
        """How far the vehicle has come along its lane, metres."""
        return self._world.way

    def drive_to(self, way: float) -> None:
        """Take the vehicle that far along its lane, metres."""
        self._world.way = way
