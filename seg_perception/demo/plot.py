"""A line plot as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from seg_perception.time_lines import nice_step

_WIDTH, _HEIGHT = 1100, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 30


def latency_plot(seconds: Sequence[float], milliseconds: Sequence[float]) -> str:
    """Return an `<svg>` of latency over time with the median as a dashed line.

    :param seconds: at least one time, ascending.
    :param milliseconds: one value for each of them.
    """
    times = np.asarray(seconds, float)
    values = np.asarray(milliseconds, float)
    y_step = nice_step(max(float(values.max()), 1.0), 4)
    y_end = y_step * math.ceil(max(float(values.max()), 1.0) / y_step)
    x_start = float(times[0])
    x_span = max(float(times[-1]) - x_start, 1.0)
    x_step = nice_step(x_span, 8)

    def x(time: float) -> float:
        return _LEFT + (time - x_start) / x_span * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / y_end * (_HEIGHT - _TOP - _BOTTOM)

    def across(kind: str, value: float) -> str:
        return (
            f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )

    def text(at: tuple[float, float], anchor: str, value: float) -> str:
        return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{value:g}</text>'

    levels = np.arange(0.0, y_end + y_step / 2, y_step)
    marks = np.arange(0.0, x_span + x_step / 100, x_step)
    points = ' '.join(f'{x(t):.1f},{y(v):.1f}' for t, v in zip(times, values, strict=True))
    return ''.join(
        (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Latency over time">',
            *(across('grid', level) for level in levels),
            *(text((_LEFT - 8, y(level) + 4), 'end', level) for level in levels),
            *(text((x(x_start + mark), _HEIGHT - 8), 'middle', mark) for mark in marks),
            across('median', float(np.median(values))),
            f'<polyline class="series" points="{points}"/>',
            '</svg>',
        )
    )
