from __future__ import annotations

import math
import re

import pytest

from seg_perception.time_lines import Series, nice_step, time_lines
from test.pages import Page


def points(text: str) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (pair.split(',') for pair in line.split())]
        for line in re.findall(r'points="([^"]*)"', text)
    ]


def test_a_line_goes_through_its_values() -> None:
    text = time_lines('ms', [Series('a', [5, 6, 7], [0, 50, 100])])
    ((first, middle, last),) = points(text)
    assert first[0] < middle[0] < last[0]
    assert middle == pytest.approx(((first[0] + last[0]) / 2, (first[1] + last[1]) / 2), abs=0.1)
    assert first[1] > last[1]
    assert {'0', '100', '0 s', '2 s'} <= set(Page(text).texts)


def test_a_line_is_broken_where_there_is_no_value() -> None:
    text = time_lines('ms', [Series('a', range(5), [1, 1, math.nan, 2, 2])])
    assert [len(line) for line in points(text)] == [2, 2]


def test_shares_are_stacked_up_to_one() -> None:
    text = time_lines(
        'shares', [Series('a', [0, 1], [0.25, 1]), Series('b', [0, 1], [0.75, 0])], stacked=True
    )
    lower, upper = points(text)
    assert lower[0][1] == upper[3][1]
    assert upper[0][1] == upper[1][1] == lower[1][1]
    assert {'a', 'b'} <= set(Page(text).texts)


def test_outliers_stay_where_there_are_many_values() -> None:
    values = [1.0] * 10_000
    values[5000] = 9.0
    many = Series('a', range(10_000), values)
    (line,) = points(time_lines('ms', [many]))
    assert len(line) <= 600
    (lone,) = points(time_lines('ms', [Series('a', [0, 1], [9, 9])]))
    assert min(y for _, y in line) == pytest.approx(lone[0][1], abs=20)


def test_nothing_is_no_plot() -> None:
    assert time_lines('ms', [Series('a', [], [])]) == ''


@pytest.mark.parametrize(('span', 'step'), [(1, 0.5), (10, 5), (7, 5), (0.03, 0.01)])
def test_steps_are_round(span: float, step: float) -> None:
    assert nice_step(span, 3) == pytest.approx(step)
