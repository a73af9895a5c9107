"""Images that never came, told from the stamps of those that did."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from seg_perception.ros.lost_frames import LostFrames


def follow(stamps: Iterable[float]) -> LostFrames:
    lost = LostFrames()
    for stamp in stamps:
        lost.came(stamp)
    return lost


def regular(count: int, rate: float = 30.0, start: float = 1.7e9) -> np.ndarray:
    return start + np.arange(count) / rate


@pytest.mark.parametrize('share', [0.05, 0.3, 0.6, 0.74])
@pytest.mark.parametrize('jitter', [0.0, 0.03])
def test_random_losses(share: float, jitter: float) -> None:
    rng = np.random.default_rng(5)
    sent = regular(3000) + rng.normal(0, jitter / 30, 3000)
    lost = follow(sent[rng.random(3000) >= share])
    assert lost.lost == pytest.approx(3000 * share, rel=0.15)
    assert lost.share == pytest.approx(share, abs=0.12)


def test_every_second_frame_lost_from_some_moment_on_is_a_slower_camera() -> None:
    stamps = [*regular(100), *regular(100, 15.0, 1.7e9 + 100 / 30)]
    assert follow(stamps).lost == 0


@pytest.mark.parametrize(
    'stamps',
    [
        regular(300),
        regular(300) + np.random.default_rng(1).normal(0, 0.07 / 30, 300),
        [*regular(60), *regular(60, start=1.7e9 + 8)],
        [*regular(60), *regular(60, start=1.7e9 - 8)],
        [*regular(60, 10.0), *regular(60, 30.0, 1.7e9 + 6)],
        [*regular(60), *regular(60, 10.0, 1.7e9 + 2)],
        np.cumsum(np.random.default_rng(2).uniform(0.01, 0.2, 300)),
        np.cumsum(np.tile([0.01, 0.056], 100)),
        np.repeat(regular(60), 2),
        np.zeros(60),
        regular(60, 0.2),
        regular(200) + np.where(np.arange(200) % 20 == 19, 0.9 / 30, 0),
        np.where(np.arange(200) % 20 < 3, regular(200)[np.arange(200) // 20 * 20 + 2], regular(200))
        + np.arange(200) % 20 * 1e-4,
        regular(5)[[0, 1, 4]],
    ],
    ids=[
        'regular',
        'jitter',
        'pause',
        'clock set back',
        'faster',
        'slower',
        'irregular',
        'pairs',
        'twice each',
        'no stamps',
        'a frame in 5 s',
        'late stamps',
        'late stamps in a row',
        'too few to know',
    ],
)
def test_nothing_is_lost(stamps: Iterable[float]) -> None:
    lost = follow(stamps)
    assert (lost.lost, lost.share) == (0, 0.0)


def test_single_gaps_are_counted() -> None:
    stamps = np.delete(regular(200), [50, 100, 101, 150])
    lost = follow(stamps)
    assert lost.lost == 4
    assert lost.share == pytest.approx(3 / 131)


def test_the_share_is_that_of_the_last_images() -> None:
    stamps = np.delete(regular(400), [60, 61, 62, 80, 90, 91])
    lost = follow(stamps)
    assert lost.lost == 6
    assert lost.share == 0.0


def test_it_begins_anew_and_keeps_the_count() -> None:
    lost = follow(np.delete(regular(60), 30))
    lost.begin()
    for stamp in regular(60, start=1.7e9 + 2.5):
        lost.came(stamp)
    assert lost.lost == 1
