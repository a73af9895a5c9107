from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.planner.steadiness import Steadiness

LABELS = load_label_set()
ROAD, SIDEWALK, CAR = (LABELS.train_id(name) for name in ('road', 'sidewalk', 'car'))


def pixels(*labels: int) -> npt.NDArray[np.uint8]:
    return np.array([labels], np.uint8)


@pytest.mark.parametrize(
    ('frames', 'wrong', 'flicker'), [(1, (0, 0, 0.25, 0), 0.5 / 3), (3, (0, 0, 0, 0), 0.0)]
)
def test_a_vote_takes_out_a_flicker(frames: int, wrong: tuple[float, ...], flicker: float) -> None:
    truth, odd = pixels(ROAD, ROAD, CAR, CAR), pixels(ROAD, SIDEWALK, CAR, CAR)
    steadiness = Steadiness(LABELS, frames)
    for label in (truth, truth, odd, truth):
        steadiness.add(label, truth)
    np.testing.assert_allclose(steadiness.wrong, wrong)
    assert np.mean(steadiness.flicker) == pytest.approx(flicker)
    summary = steadiness.summary()
    assert summary['latency_frames'] == (frames - 1) / 2
    assert summary['obstacle_missed'] == 0


def test_what_truly_changes_is_no_flicker_and_sequences_are_apart() -> None:
    steadiness = Steadiness(LABELS, 1)
    steadiness.add(pixels(ROAD, ROAD), pixels(ROAD, CAR))
    assert steadiness.missed == [1.0]
    steadiness.add(pixels(ROAD, CAR), pixels(ROAD, SIDEWALK))
    assert steadiness.flicker == [0.0]
    steadiness.begin()
    steadiness.add(pixels(CAR, ROAD), pixels(ROAD, CAR))
    assert steadiness.flicker == [0.0]
