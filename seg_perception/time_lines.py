"""Time lines as inline SVG: lines, or shares stacked on each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from seg_perception.page import key

_WIDTH, _HEIGHT = 1100, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 28
# More points than pixels make a page large and no line finer.
_POINTS = 550

COLORS = ((23, 105, 196), (214, 64, 47), (63, 156, 53), (190, 120, 20), (130, 80, 180))
"""Red, green, blue of lines, in order."""

PLOT_STYLE = """
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); }
svg polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.plot { margin-bottom: 14px; overflow-x: auto; }
@media (max-width: 700px) { .plot svg { min-width: 640px; } svg text { font-size: 20px; } }
.plot p { font-size: .9rem; margin-bottom: 6px; }
.legend { color: var(--soft); font-size: .85rem; }
.legend .key:first-child { margin-left: 0; }
"""


@dataclass(frozen=True)
class Series:
    """A line: seconds, ascending, and a value for each; NaN where there is none."""

    name: str
    seconds: Sequence[float]
    values: Sequence[float]
    color: tuple[int, int, int] | None = None


def time_lines(title: str, series: Sequence[Series], *, stacked: bool = False) -> str:
    """Return a plot of several lines over one time, with a legend.

    Where there are more values than can be seen, a point is the largest and the smallest of its
    neighbours in turn, so that single outliers stay; of stacked ones it is their mean.

    :param stacked: the values are shares that are stacked on each other and filled.
    """
    shown = [s for s in series if len(s.seconds)]
    if not shown:
        return ''
    start = min(s.seconds[0] for s in shown)
    end = max(start + 1e-3, *(s.seconds[-1] for s in shown))
    lines = [_thinned(s, stacked) for s in shown]
    colors = [s.color or COLORS[n % len(COLORS)] for n, s in enumerate(shown)]
    if stacked:
        level = np.zeros_like(lines[0][1])
        areas = []
        for times, values in lines:
            areas.append((times, level, level + values))
            level = level + values
        top = 1.0
    else:
        finite = np.concatenate([values[np.isfinite(values)] for _, values in lines])
        top = float(finite.max()) if finite.size else 1.0
    scale = _Scale(start, end, top)
    if stacked:
        drawn = [scale.area(*area, color) for area, color in zip(areas, colors, strict=True)]
    else:
        drawn = [scale.line(*line, color) for line, color in zip(lines, colors, strict=True)]
    names = [f'{key(color)}{escape(s.name)}' for s, color in zip(shown, colors, strict=True)]
    legend = f'<div class="legend">{"".join(names)}</div>' if len(shown) > 1 else ''
    return (
        f'<div class="card plot"><p>{escape(title)}</p>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'{scale.grid()}{"".join(drawn)}</svg>{legend}</div>'
    )


class _Scale:
    """Where times and values, from 0 to `top`, lie in the plot."""

    def __init__(self, start: float, end: float, top: float) -> None:
        self._start, self._span = start, end - start
        self._step = nice_step(top if top > 0 else 1.0, 4)
        self._top = self._step * max(1, math.ceil(top / self._step - 1e-9))

    def x(self, time: float) -> float:
        return _LEFT + (time - self._start) / self._span * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self._top * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> str:
        parts = []
        for level in np.arange(0, self._top + self._step / 2, self._step):
            y = self.y(float(level))
            parts.append(
                f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
                f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{level:g}</text>'
            )
        step = nice_step(self._span, 8)
        for mark in np.arange(0, self._span + step / 100, step):
            x = self.x(self._start + float(mark))
            parts.append(
                f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{mark:g} s</text>'
            )
        return ''.join(parts)

    def line(self, times: np.ndarray, values: np.ndarray, color: tuple[int, int, int]) -> str:
        # NaN breaks the line.
        breaks = np.flatnonzero(~np.isfinite(values))
        parts = []
        for piece in np.split(np.arange(len(values)), breaks):
            kept = piece[np.isfinite(values[piece])]
            points = ' '.join(f'{self.x(times[n]):.1f},{self.y(values[n]):.1f}' for n in kept)
            if points:
                parts.append(f'<polyline points="{points}" stroke="rgb{color}"/>')
        return ''.join(parts)

    def area(
        self,
        times: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        color: tuple[int, int, int],
    ) -> str:
        upper = [f'{self.x(t):.1f},{self.y(v):.1f}' for t, v in zip(times, high, strict=True)]
        lower = [f'{self.x(t):.1f},{self.y(v):.1f}' for t, v in zip(times, low, strict=True)]
        points = ' '.join([*upper, *reversed(lower)])
        return f'<polygon points="{points}" fill="rgb{color}"/>'


def _thinned(series: Series, stacked: bool) -> tuple[np.ndarray, np.ndarray]:
    times, values = np.asarray(series.seconds, float), np.asarray(series.values, float)
    if len(times) <= _POINTS:
        return times, values
    groups = np.array_split(np.arange(len(times)), _POINTS)
    if stacked:
        chosen = [float(values[group].mean()) for group in groups]
    else:
        filled = [np.nan_to_num(values[group], nan=-np.inf) for group in groups]
        chosen = [
            float(values[group].max() if n % 2 else values[group].min())
            if np.isfinite(part).all()
            else math.nan
            for n, (group, part) in enumerate(zip(groups, filled, strict=True))
        ]
    return np.array([float(times[group].mean()) for group in groups]), np.array(chosen)


def nice_step(span: float, intervals: int) -> float:
    """Return 1, 2 or 5 times a power of ten that cuts `span` into about `intervals` parts."""
    rough = span / intervals
    magnitude = float(10.0 ** math.floor(math.log10(rough)))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= rough * 0.999)
