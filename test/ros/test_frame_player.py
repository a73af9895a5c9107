from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from seg_perception.ros.frame_player import FramePlayer


class Recorder:
    """Makes frames that are called by the tick they were made for, and notes what is shown."""

    def __init__(self, count: int, delay: Callable[[int], float] = lambda _: 0.0) -> None:
        self._count = count
        self._delay = delay
        self._made = 0
        self.shown: list[tuple[int, int]] = []

    def make(self, tick: int) -> int | None:
        time.sleep(self._delay(self._made))
        self._made += 1
        return tick if self._made <= self._count else None

    def show(self, frame: int, tick: int) -> None:
        self.shown.append((frame, tick))


def play(recorder: Recorder, rate: float) -> FramePlayer[int]:
    player = FramePlayer(recorder.make, recorder.show, rate)
    player.start()
    wait_for_end(player)
    player.stop()
    return player


def wait_for_end(player: FramePlayer[int]) -> None:
    deadline = time.monotonic() + 20
    while player.playing:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize('count', [0, 1, 2, 25])
def test_every_frame_is_shown_at_a_tick_of_its_own(count: int) -> None:
    recorder = Recorder(count)
    player = play(recorder, rate=200)
    ticks = [tick for _, tick in recorder.shown]
    assert player.shown == len(ticks) == count
    assert ticks == sorted(set(ticks))
    # The first three are ready before the first tick.
    assert [frame for frame, _ in recorder.shown][:3] == list(range(min(count, 3)))


def test_a_tick_without_a_frame_is_skipped_and_counted_and_nothing_piles_up() -> None:
    recorder = Recorder(12, delay=lambda number: 0.1 if number >= 3 else 0.0)
    player = play(recorder, rate=50)
    frames, ticks = zip(*recorder.shown, strict=True)
    assert player.shown == 12
    # Nine frames took 0.9 s, which is 45 ticks.
    assert ticks[-1] >= 45
    assert player.skipped >= ticks[-1] + 1 - 12 >= 34
    # Frames are made for the time at which they are shown, not for ticks long gone.
    assert frames[0] == 0
    assert list(frames) == sorted(set(frames))
    assert frames[-1] >= 35


def test_frames_after_a_slow_one_are_those_of_their_own_time() -> None:
    recorder = Recorder(30, delay=lambda number: 0.3 if number == 10 else 0.0)
    player = play(recorder, rate=100)
    assert player.shown == 30
    assert recorder.shown[-1][0] >= 29 + 25


def test_show_may_end_it() -> None:
    shown: list[int] = []

    def show(frame: int, _: int) -> None:
        shown.append(frame)
        if len(shown) == 4:
            player.stop()

    player = FramePlayer(lambda tick: tick, show, 500)
    player.start()
    wait_for_end(player)
    assert len(shown) == player.shown == 4


def test_stop_waits_for_the_frame_that_is_being_shown() -> None:
    begun, finished = threading.Event(), threading.Event()

    def show(_: int, __: int) -> None:
        begun.set()
        time.sleep(0.1)
        finished.set()

    player = FramePlayer(lambda tick: tick, show, 10)
    player.start()
    assert begun.wait(20)
    player.stop()
    assert finished.is_set()
    assert not player.playing


def fail(*_: int) -> int:
    raise RuntimeError('no more paper')


@pytest.mark.parametrize('broken', ['make', 'show'])
def test_an_error_ends_it_and_reaches_whoever_asks(broken: str) -> None:
    recorder = Recorder(5)
    setattr(recorder, broken, fail)
    player = FramePlayer(recorder.make, recorder.show, 100)
    player.start()
    with pytest.raises(RuntimeError, match='no more paper'):
        wait_for_end(player)
    player.stop()


def test_a_player_that_never_began_can_be_stopped() -> None:
    recorder = Recorder(5)
    FramePlayer(recorder.make, recorder.show, 100).stop()
    assert recorder.shown == []
