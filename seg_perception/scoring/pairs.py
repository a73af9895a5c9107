"""Puts together what two topics tell of one moment, with bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Item = TypeVar('Item')
Side = Literal['prediction', 'truth']

PREDICTION: Side = 'prediction'
TRUTH: Side = 'truth'

_REMEMBERED = 8
"""Given-up stamps are remembered for so many times the capacity."""
_BACK_NS = 1_000_000_000
"""A stamp so far before the last of its topic begins a new run: a bag loops, or is jumped in."""


@dataclass
class PairCounts:
    """What became of the messages: received = matched + alone + late + repeated + still waiting."""

    matched: int = 0
    prediction_alone: int = 0
    """Given up waiting for the truth."""
    truth_alone: int = 0
    """Given up waiting for a prediction."""
    late: int = 0
    """Came after the other one was given up."""
    repeated: int = 0
    """Replaced by another message of the same topic and stamp."""


@dataclass
class _Waiting(Generic[Item]):
    items: OrderedDict[int, Item] = field(default_factory=OrderedDict)
    given_up: OrderedDict[int, None] = field(default_factory=OrderedDict)
    last: int | None = None


class StampPairs(Generic[Item]):
    """Matches predictions and truth of exactly the same stamp, whichever comes first.

    :param capacity: how many of each wait for the other, 1 or more; beyond that the one that has
        waited longest is given up.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._sides: dict[Side, _Waiting[Item]] = {PREDICTION: _Waiting(), TRUTH: _Waiting()}
        self.counts = PairCounts()

    @property
    def waiting(self) -> int:
        """How many wait for the other one."""
        return sum(len(side.items) for side in self._sides.values())

    def add(self, side: Side, stamp: int, item: Item) -> tuple[Item, Item] | None:
        """Take an item; return (prediction, truth) if it completes a pair.

        :param stamp: the time of the image, ns.
        """
        own, other = self._sides[side], self._sides[TRUTH if side == PREDICTION else PREDICTION]
        if own.last is not None and stamp < own.last - _BACK_NS:
            own.given_up.clear()
            other.given_up.clear()
        own.last = stamp
        if stamp in other.items:
            self.counts.matched += 1
            partner = other.items.pop(stamp)
            return (item, partner) if side == PREDICTION else (partner, item)
        if stamp in other.given_up:
            self.counts.late += 1
            return None
        self.counts.repeated += stamp in own.items
        own.items[stamp] = item
        if len(own.items) > self._capacity:
            self._give_up(side, own.items.popitem(last=False)[0])
        return None

    def finish(self) -> None:
        """Give up all that still waits: nothing more comes."""
        for side, waiting in self._sides.items():
            while waiting.items:
                self._give_up(side, waiting.items.popitem(last=False)[0])

    def _give_up(self, side: Side, stamp: int) -> None:
        given_up = self._sides[side].given_up
        given_up[stamp] = None
        if len(given_up) > _REMEMBERED * self._capacity:
            given_up.popitem(last=False)
        if side == PREDICTION:
            self.counts.prediction_alone += 1
        else:
            self.counts.truth_alone += 1
