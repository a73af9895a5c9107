"""The largest input rate that is held: a bracket, then bisection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_TOLERANCE = 0.01
"""Share of frames that may be dropped at a rate that is still held."""


@dataclass(frozen=True)
class Peak:
    """A search's result.

    :ivar hz: the largest rate that was held; 0 where even the least was not.
    :ivar probes: every rate that was tried, in Hz, and whether it was held.
    """

    hz: float
    probes: tuple[tuple[float, bool], ...]


def find_peak(
    holds: Callable[[float], bool], guess: float, *, resolution: float = 0.05, widest: float = 8.0
) -> Peak:
    """Return the largest rate that is held, to `resolution` of itself.

    From `guess` the rate is doubled or halved until it lies between one that is held and one that
    is not, then halved geometrically, as benchmarks of ROS graphs do.

    :param holds: tries a rate, in Hz; a rate above one that is not held is never tried again.
    :param guess: where to begin, in Hz.
    :param widest: how far from the guess to look, as a factor.
    :raises ValueError: when the guess is not positive.
    """
    if not guess > 0:
        raise ValueError(f'peak search: expected a rate above 0 Hz to begin with, got {guess}')
    probes: list[tuple[float, bool]] = []

    def probe(rate: float) -> bool:
        probes.append((rate, holds(rate)))
        return probes[-1][1]

    held, lost = 0.0, float('inf')
    rate = guess
    while guess / widest <= rate <= guess * widest:
        if probe(rate):
            held, rate = rate, rate * 2
        else:
            lost, rate = rate, rate / 2
        if held and lost < float('inf'):
            break
    while held and lost / held > 1 + resolution and lost < float('inf'):
        rate = (held * lost) ** 0.5
        if probe(rate):
            held = rate
        else:
            lost = rate
    return Peak(held, tuple(probes))
