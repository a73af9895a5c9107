"""The cross-section of a street: which kind of ground lies how far from its centre line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OUTERMOST = 60.0
"""Where the ground ends on either side, metres."""


@dataclass(frozen=True)
class CrossSection:
    """Widths in metres from the centre line outwards, the same on both sides but for `fronts`.

    `fronts` are the front gardens or parks between sidewalk and houses, left and right.
    """

    lanes: int
    lane: float
    cycle_lane: float
    parking: float
    sidewalk: float
    fronts: tuple[float, float]

    @property
    def carriageway(self) -> float:
        """Half width of the road, to the kerb."""
        return self.lanes * self.lane + self.cycle_lane + self.parking

    @property
    def cycle_centre(self) -> float:
        """Distance of the cycle lane's centre from the centre line."""
        return self.lanes * self.lane + self.cycle_lane / 2

    @property
    def parking_centre(self) -> float:
        """Distance of the parking lane's centre from the centre line."""
        return self.carriageway - self.parking / 2

    @property
    def sidewalk_end(self) -> float:
        """Where the paving ends and front gardens begin."""
        return self.carriageway + self.sidewalk

    def front(self, side: int) -> float:
        """Return the depth of the front gardens on the left (+1) or the right (-1)."""
        return self.fronts[0 if side > 0 else 1]

    def strips(self) -> list[tuple[str, float, float]]:
        """Return (class name, inner, outer distance from the centre line), inside out.

        The kerb belongs to the sidewalk, as in Cityscapes.
        """
        return [
            ('road', 0.0, self.carriageway),
            ('sidewalk', self.carriageway, self.sidewalk_end),
            ('terrain', self.sidewalk_end, OUTERMOST),
        ]

    def name_at(self, y: float) -> str:
        """Return the class name of the ground at a distance left of the centre line.

        :raises ValueError: beyond `OUTERMOST`.
        """
        for name, inner, outer in self.strips():
            if inner <= abs(y) < outer:
                return name
        raise ValueError(f'the ground reaches {OUTERMOST:g} m to either side, got {y:g}')


def make_cross_section(rng: np.random.Generator) -> CrossSection:
    """Draw the widths of a street."""
    return CrossSection(
        lanes=1 if rng.random() < 0.9 else 2,
        lane=rng.uniform(3.1, 3.7),
        cycle_lane=rng.uniform(1.4, 1.8),
        parking=rng.uniform(2.1, 2.4) if rng.random() < 0.4 else 0.0,
        sidewalk=rng.uniform(3.0, 4.2),
        fronts=(_front(rng), _front(rng)),
    )


def _front(rng: np.random.Generator) -> float:
    """Draw the depth of no garden, a garden or a park."""
    kind = rng.random()
    if kind < 0.15:
        return 0.0
    return rng.uniform(2.5, 5.0) if kind < 0.65 else rng.uniform(11, 15)
