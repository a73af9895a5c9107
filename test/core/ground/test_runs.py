from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.ground.runs import Runs


@pytest.mark.parametrize('share', [0.0, 0.02, 0.3, 0.6, 0.97, 1.0])
@pytest.mark.parametrize('size', [(1, 1), (1, 40), (40, 1), (23, 37), (64, 96)])
def test_they_say_what_opencv_says_of_all_pixels(size: tuple[int, int], share: float) -> None:
    random = np.random.default_rng(round(share * 100))
    part = (random.random(size) < share).astype(np.uint8) * np.uint8(7)
    found, numbers, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    runs = Runs(part)
    assert runs.count == found - 1
    np.testing.assert_array_equal(runs.numbers > 0, part > 0)
    assert runs.length.sum() == np.count_nonzero(part)
    # Both number the regions, perhaps in another order.
    own = _pairs(runs.numbers, np.asarray(numbers))
    theirs = [own[number] for number in range(1, found)]
    assert sorted(theirs) == list(range(1, found))
    np.testing.assert_array_equal(runs.pixels(), stats[theirs, cv2.CC_STAT_AREA])
    np.testing.assert_array_equal(runs.boxes(), stats[theirs, : cv2.CC_STAT_AREA])
    boxes = runs.boxes()
    for rows in (boxes[:, 1], boxes[:, 1] + boxes[:, 3] - 1):
        places = [np.flatnonzero(numbers[y] == n) for n, y in zip(theirs, rows, strict=True)]
        expected = [columns[len(columns) // 2] for columns in places]
        np.testing.assert_array_equal(runs.middles(rows), expected)


def _pairs(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> dict[int, int]:
    inside = first > 0
    return dict(zip(first[inside].tolist(), second[inside].tolist(), strict=True))


def test_a_run_ends_with_its_row() -> None:
    part = np.zeros((2, 3), np.uint8)
    part[0, 2] = part[1, 0] = 1
    runs = Runs(part)
    assert runs.count == 2
    assert sorted(runs.boxes().tolist()) == [[0, 1, 1, 1], [2, 0, 1, 1]]
