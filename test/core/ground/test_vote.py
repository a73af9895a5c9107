from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.ground.vote import LabelVote
from test.core.ground.cameras import CAR, LABELS, ROAD, SIDEWALK


def after(frames: int, *history: int) -> int:
    vote = LabelVote(LABELS, frames)
    for label in history:
        result = vote.update(np.full((2, 3), label, np.uint8))
    return int(result[1, 2])


@pytest.mark.parametrize(
    ('frames', 'history', 'expected'),
    [
        (1, (ROAD, SIDEWALK), SIDEWALK),
        (3, (ROAD,), ROAD),
        (3, (ROAD, SIDEWALK), SIDEWALK),  # a tie: the newest
        (3, (ROAD, ROAD, SIDEWALK), ROAD),
        (3, (ROAD, SIDEWALK, ROAD), ROAD),
        (3, (SIDEWALK, ROAD, ROAD), ROAD),
        (3, (10, SIDEWALK, ROAD), ROAD),
        (3, (CAR, CAR, ROAD), CAR),  # free again a frame later
        (3, (ROAD, ROAD, CAR), CAR),  # an obstacle at once
        (5, (ROAD, 10, SIDEWALK, ROAD, 10), 10),  # a tie of two: the newer of them
        (5, (SIDEWALK, SIDEWALK, SIDEWALK, ROAD, ROAD), SIDEWALK),
        (3, (255, 255, ROAD), 255),
    ],
)
def test_most_frames_win(frames: int, history: tuple[int, ...], expected: int) -> None:
    assert after(frames, *history) == expected


def test_each_pixel_votes_for_itself_and_no_input_is_changed() -> None:
    vote = LabelVote(LABELS, 3)
    frames = [np.array([[a, b]], np.uint8) for a, b in ((0, 1), (0, 0), (1, 1))]
    kept = [frame.copy() for frame in frames]
    results: list[npt.NDArray[np.uint8]] = [vote.update(frame) for frame in frames]
    assert results[2].tolist() == [[0, 1]]
    for frame, before in zip(frames, kept, strict=True):
        np.testing.assert_array_equal(frame, before)


def test_another_size_begins_anew() -> None:
    vote = LabelVote(LABELS, 3)
    vote.update(np.full((2, 2), ROAD, np.uint8))
    assert vote.update(np.full((3, 3), SIDEWALK, np.uint8)).tolist() == [[SIDEWALK] * 3] * 3


@pytest.mark.parametrize('frames', [0, 2, 11])
def test_even_and_senseless_numbers_are_refused(frames: int) -> None:
    with pytest.raises(ValueError, match=f'expected 1, 3, 5, 7 or 9, got {frames}'):
        LabelVote(LABELS, frames)
