"""When recorded items are shown: pauses, jumps, loops; no assertion depends on how long it took."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from seg_perception.ros.playback import Playback
from test.graph.spinner import wait_until

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Item:
    time: int


class Show:
    """Items at every full second of a minute, shown at once unless a test holds them back."""

    def __init__(self, **options: Any) -> None:
        self.seen: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.playback: Playback[Item] = Playback(
            self._items, self._show, **{'first': 100 * SECOND, 'rate': 1000.0, **options}
        )

    def _items(self, start: int) -> Iterator[Item]:
        yield from (Item(t * SECOND) for t in range(100, 160) if t * SECOND >= start)

    def _show(self, item: Item) -> None:
        assert self.go_on.wait(30)
        self.seen.append(item.time // SECOND - 100)

    def play(self) -> None:
        self.playback.start()
        wait_until(lambda: not self.playback.playing, 'the end')


def test_all_is_shown_once_in_order() -> None:
    show = Show()
    show.play()
    assert show.seen == list(range(60))
    assert show.playback.shown == 60
    assert show.playback.now == 159 * SECOND


def test_it_can_begin_later() -> None:
    show = Show(offset=57.5)
    show.play()
    assert show.seen == [58, 59]


def test_a_pause_holds_clock_and_items() -> None:
    show = Show(paused=True, offset=10)
    show.playback.start()
    assert show.playback.now == 110 * SECOND
    assert show.playback.paused
    show.playback.set_rate(5000.0)
    assert show.playback.now == 110 * SECOND
    assert show.seen == []
    show.playback.set_paused(False)
    wait_until(lambda: not show.playback.playing, 'the end')
    assert show.seen == list(range(10, 60))


def test_jumps_go_both_ways() -> None:
    show = Show(paused=True)
    show.playback.start()
    show.playback.jump(50)
    assert show.playback.now == 150 * SECOND
    show.playback.jump(20)
    assert show.playback.now == 120 * SECOND
    show.go_on.clear()
    show.playback.set_paused(False)
    wait_until(lambda: show.playback.now >= 120 * SECOND, 'an item')
    show.playback.jump(58)
    show.go_on.set()
    wait_until(lambda: not show.playback.playing, 'the end')
    # The item at hand while it jumps may still be shown.
    assert show.seen in ([58, 59], [20, 58, 59])


def test_a_loop_begins_again_until_it_is_told_not_to() -> None:
    show = Show(loop=True)
    show.playback.start()
    wait_until(lambda: len(show.seen) > 130, 'the third time')
    show.playback.loop = False
    wait_until(lambda: not show.playback.playing, 'the end')
    assert len(show.seen) % 60 == 0
    assert show.seen == list(range(60)) * (len(show.seen) // 60)


def test_the_clock_waits_for_what_cannot_be_shown_in_time() -> None:
    show = Show()
    show.go_on.clear()
    show.playback.start()
    wait_until(lambda: show.playback.now == 100 * SECOND, 'the first item')
    times = [show.playback.now for _ in range(1000)]
    assert max(times) == 100 * SECOND
    show.go_on.set()
    wait_until(lambda: not show.playback.playing, 'the end')
    assert show.seen == list(range(60))


def test_the_clock_never_goes_back_by_itself() -> None:
    show = Show(rate=300.0)
    show.playback.start()
    times = []
    while show.playback.playing:
        times.append(show.playback.now)
        if len(times) % 50 == 0:
            show.playback.set_rate(200.0 + len(times) % 7)
    assert times == sorted(times)


def test_it_stops_when_told() -> None:
    show = Show(rate=0.001)
    show.playback.start()
    show.playback.stop()
    assert not show.playback.playing
    assert len(show.seen) <= 1


def test_a_recording_that_cannot_be_read_on_is_told() -> None:
    def broken(start: int) -> Iterator[Item]:
        yield Item(start)
        raise OSError('the disk is gone')

    playback = Playback(broken, lambda _: None, first=0)
    playback.start()
    with pytest.raises(OSError, match='the disk is gone'):
        wait_until(lambda: not playback.playing, 'the end')
