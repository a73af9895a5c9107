"""What stands or moves in the street, and where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from seg_perception.sim.camera_model import Array
from seg_perception.sim.canvas import Canvas


@dataclass(frozen=True)
class Thing(ABC):
    """A kind of object: class name, and size in metres (length along its heading)."""

    name: str
    length: float
    width: float
    height: float

    @abstractmethod
    def paint(self, canvas: Canvas, placed: Placed) -> None:
        """Paint it at its place."""


@dataclass(frozen=True)
class Placed:
    """A thing at a pose in the road frame; `phase` is how far it has walked or rolled, metres."""

    thing: Thing
    x: float
    y: float
    heading: float = 0.0
    phase: float = 0.0

    def footprint(self) -> Array:
        """Return its corners on the ground [4, 2] in the road frame."""
        c, s = np.cos(self.heading), np.sin(self.heading)
        half = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) / 2
        local = half * (self.thing.length, self.thing.width)
        corners: Array = local @ np.array([[c, s], [-s, c]]) + (self.x, self.y)
        return corners
