from __future__ import annotations

import pytest

from seg_perception.demo.sampling import EvenSample


def sample(count: int, limit: int = 4) -> EvenSample[int]:
    chosen: EvenSample[int] = EvenSample(limit)
    for item in range(count):
        chosen.offer(item)
    return chosen


@pytest.mark.parametrize(
    ('count', 'kept'),
    [
        (0, []),
        (3, [0, 1, 2]),
        (4, [0, 1, 2, 3]),
        (5, [0, 2, 4]),
        (8, [0, 2, 4, 6]),
        (9, [0, 4, 8]),
        (1000, [0, 256, 512, 768]),
    ],
)
def test_what_is_kept_lies_at_even_distances(count: int, kept: list[int]) -> None:
    assert sample(count).items() == kept


@pytest.mark.parametrize(
    ('count', 'chosen'),
    [(1, [4]), (2, [2, 6]), (3, [1, 4, 6]), (8, [*range(8)]), (20, [*range(8)])],
)
def test_fewer_can_be_asked_for(count: int, chosen: list[int]) -> None:
    assert sample(8, limit=8).items(count) == chosen


@pytest.mark.parametrize('limit', [0, 1, 7])
def test_an_odd_limit_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=f'even limit of at least 2, got {limit}'):
        EvenSample[int](limit)
