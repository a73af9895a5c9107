"""What many times say: percentiles of one run, the spread over several, ratios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """A figure over several runs: its median, least and largest."""

    median: float
    least: float
    largest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of one value a run.

        :raises ValueError: when there is none.
        """
        if not values:
            raise ValueError('a spread: expected a value or more, got none')
        return cls(float(np.median(values)), float(min(values)), float(max(values)))


@dataclass(frozen=True)
class Latency:
    """Percentiles of times, in milliseconds, interpolated linearly between two neighbours."""

    p50: float
    p90: float
    p99: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Latency:
        """Return the percentiles of times.

        :raises ValueError: when there is none.
        """
        if not milliseconds:
            raise ValueError('percentiles: expected a time or more, got none')
        return cls(*(float(value) for value in np.percentile(milliseconds, (50, 90, 99))))


def shuffled(count: int, runs: int, seed: int = 0) -> Iterator[list[int]]:
    """Yield an order of 0 to `count` - 1 for each run.

    What slows a machine down for a while then hits all alike, and none always follows the same one.
    """
    random = np.random.default_rng(seed)
    for _ in range(runs):
        yield [int(number) for number in random.permutation(count)]


def ratios(values: Mapping[str, float | None], baseline: str) -> dict[str, float | None]:
    """Return each value over the baseline's; None where one of the two is missing or 0."""
    base = values.get(baseline)
    return {
        name: None if not base or value is None else value / base for name, value in values.items()
    }
