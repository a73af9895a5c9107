"""What one seed decides about a street: its cross-section, light, zebras and bustle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seg_perception.sim.light import Light, make_light
from seg_perception.sim.section import CrossSection, make_cross_section

PERIOD = 60.0
"""The ground repeats after this many metres."""

ZEBRA = 4.0
"""Length of a zebra crossing along the street, metres."""


@dataclass(frozen=True)
class Street:
    """What all parts of a street share.

    `crossing` is where the zebra crossing begins in each period of the ground (None: there is
    none); `busy`, up to 1, is how much is going on.
    """

    seed: int
    section: CrossSection
    light: Light
    crossing: float | None
    busy: float


def make_street(rng: np.random.Generator, seed: int) -> Street:
    """Draw a street; `seed` is kept for what is drawn later, stretch by stretch."""
    return Street(
        seed=seed,
        section=make_cross_section(rng),
        crossing=rng.uniform(5, PERIOD - 15) if rng.random() < 0.75 else None,
        light=make_light(rng),
        busy=rng.uniform(0.65, 1.0),
    )
