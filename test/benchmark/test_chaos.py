from __future__ import annotations

import pytest

from seg_perception.benchmark.chaos import Chaos


class Ring:
    """Cameras that note what is done to them; a wrong order fails."""

    def __init__(self) -> None:
        self.cameras = ['front', 'left', 'rear']
        self.running = set(self.cameras)
        self.done: list[tuple[str, str]] = []

    def start_camera(self, name: str) -> None:
        assert name not in self.running
        self.running.add(name)
        self.done.append(('start', name))

    def stop_camera(self, name: str) -> None:
        self.running.remove(name)
        self.done.append(('stop', name))

    def kill_camera(self, name: str) -> None:
        self.running.remove(name)
        self.done.append(('kill', name))


def history(seed: int, seconds: float) -> tuple[Ring, Chaos]:
    ring, now = Ring(), 0.0
    chaos = Chaos(ring, seed=seed, pause=2.0, clock=lambda: now)
    while now < seconds:
        chaos()
        assert len(ring.running) >= len(ring.cameras) - 1
        now += 0.01
    return ring, chaos


def test_cameras_die_one_at_a_time_and_come_back() -> None:
    ring, chaos = history(seed=0, seconds=300.0)
    ends, starts = ring.done[::2], ring.done[1::2]
    assert {what for what, _ in ends} == {'kill', 'stop'}
    assert {name for _, name in ends} == set(ring.cameras)
    assert [(what, name) for what, name in starts] == [('start', name) for _, name in ends][
        : len(starts)
    ]
    assert chaos.ended == len(ends)
    # A pause of 1 s on average before each end and each start.
    assert 120 < chaos.ended < 180


def test_the_seed_decides() -> None:
    first, again, other = (history(seed, 60.0)[0].done for seed in (7, 7, 8))
    assert first == again != other


@pytest.mark.parametrize('pause', [0.5, 1.5])
def test_nothing_is_done_before_it_is_due(pause: float) -> None:
    ring, now = Ring(), 0.0
    chaos = Chaos(ring, seed=0, pause=pause, clock=lambda: now)
    chaos()
    assert ring.done == []
    now = pause
    chaos()
    assert len(ring.done) == 1
