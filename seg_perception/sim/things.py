"""What stands or moves in the street, and where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import cos, sin

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas


@dataclass(frozen=True, eq=False)
class Thing(ABC):
    """A kind of object: class name, and size in metres (length along its heading)."""

    name: str
    length: float
    width: float
    height: float

    @abstractmethod
    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint it at its place."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A thing at a pose in the road frame; `phase` is how far it has walked or rolled, metres."""

    thing: Thing
    x: float
    y: float
    heading: float = 0.0
    phase: float = 0.0

    @cached_property
    def footprint(self) -> Array:
        """Its corners on the ground [4, 2] in the road frame."""
        along = (
            cos(self.heading) * self.thing.length / 2,
            sin(self.heading) * self.thing.length / 2,
        )
        across = (
            -sin(self.heading) * self.thing.width / 2,
            cos(self.heading) * self.thing.width / 2,
        )
        return np.array(
            [
                [self.x + a * along[0] + b * across[0], self.y + a * along[1] + b * across[1]]
                for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))
            ]
        )
