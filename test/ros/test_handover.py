"""One slot between two threads, and the moment at which it is filled."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from seg_perception.ros.handover import Handover

PATIENCE_S = 20.0


def start(work: Callable[[], object]) -> tuple[threading.Thread, threading.Event]:
    """Run `work` in a thread, and return it and an event that is set at its end."""
    done = threading.Event()

    def run() -> None:
        work()
        done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, done


def test_items_come_in_order_and_none_is_lost() -> None:
    handover: Handover[int] = Handover()
    taken: list[int] = []

    def take() -> None:
        while (item := handover.take()) is not None:
            taken.append(item)

    _, done = start(take)
    for item in range(2000):
        handover.put(item)
    handover.close()
    assert done.wait(PATIENCE_S)
    assert taken == list(range(2000))


def test_the_giver_waits_for_an_empty_slot() -> None:
    handover: Handover[int] = Handover()
    handover.put(1)
    _, done = start(lambda: handover.put(2))
    assert not done.wait(0.05)
    assert handover.take() == 1
    assert done.wait(PATIENCE_S)
    assert handover.take() == 2


def test_an_idle_taker_needs_something_at_once() -> None:
    handover: Handover[int] = Handover()
    handover.await_need(0.0)
    handover.put(1)
    _, done = start(lambda: handover.await_need(1e9))
    assert not done.wait(0.05)  # the slot is full, whatever the lead
    assert handover.take() == 1
    assert done.wait(PATIENCE_S)


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def waits(handover: Handover[str], lead_s: float) -> bool:
    """Tell whether one that fills the slot in `lead_s` would wait."""
    return not start(lambda: handover.await_need(lead_s))[1].wait(0.1)


def at_work(clock: Clock, *seconds: float) -> Handover[str]:
    """Return a handover whose taker needed so long for items before, and has just taken one."""
    handover: Handover[str] = Handover(kind=len, clock=clock)
    for duration in seconds:
        handover.put('one')
        assert handover.take() == 'one'
        clock.now += duration
    handover.put('two')
    assert handover.take() == 'two'
    return handover


def test_it_is_filled_just_before_the_taker_is_likely_to_be_free(clock: Clock) -> None:
    handover = at_work(clock, 10.0, 10.0, 10.0)
    assert waits(handover, 3.0)
    clock.now += 6.5
    assert waits(handover, 3.0)
    clock.now += 0.5
    assert not waits(handover, 3.0)


def test_a_slow_item_does_not_delay_the_next_for_long(clock: Clock) -> None:
    handover = at_work(clock, 10.0, 90.0, 10.0, 10.0)
    clock.now += 8.0
    assert not waits(handover, 3.0)


def test_it_tells_how_long_the_last_item_took(clock: Clock) -> None:
    handover = at_work(clock, 10.0, 30.0)
    assert handover.last == (len('one'), 30.0)
    assert Handover[str]().last is None


def test_other_kinds_say_nothing(clock: Clock) -> None:
    handover = at_work(clock, 10.0, 10.0)
    clock.now += 10.0
    handover.put('three')
    assert handover.take() == 'three'
    assert not waits(handover, 0.0)  # nobody knows yet how long such take
