"""Errors over the range, as inline SVG in the colours of the page they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil

STYLE = """
.plot svg { display: block; width: 100%; height: auto; }
.plot text { fill: var(--soft); font-size: 13px; }
.plot .grid { stroke: var(--line); }
.plot polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
"""
"""What a page with these plots needs beyond what all pages share."""

COLORS = ('#4c78a8', '#f58518', '#54a24b', '#e45756')
"""Told apart on a light and on a dark ground, and by most who see colours otherwise."""

_WIDTH, _HEIGHT = 1000, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 250, 14, 42


def error_plot(
    lines: Mapping[str, Sequence[tuple[float, float]]], *, limit: float, unit: str = '%'
) -> str:
    """Return an `<svg>` with a line for each name.

    :param lines: points (metres, error in `unit`), one or more, by ascending range.
    :param limit: drawn as a dashed line across.
    """
    xs = [x for points in lines.values() for x, _ in points]
    highest = max([limit, *(y for points in lines.values() for _, y in points)])
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if highest / s <= 6)
    top, right = step * ceil(highest / step), 5 * ceil(max(xs) / 5)

    def at(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + x / right * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM)

    def level(look: str, y: float) -> str:
        (left, height), (end, _) = at(0, y), at(right, y)
        return f'<path {look} d="M{left:.1f} {height:.1f}H{end:.1f}"/>'

    parts = []
    for y in range(0, top + 1, step):
        parts += [level('class="grid"', y), _text(_LEFT - 8, at(0, y)[1] + 4, 'end', f'{y} {unit}')]
    for x in range(0, right + 1, 5):
        parts.append(_text(at(x, 0)[0], _HEIGHT - _BOTTOM + 18, 'middle', f'{x}'))
    parts.append(_text(at(right / 2, 0)[0], _HEIGHT - 6, 'middle', 'true range, metres'))
    parts.append(level('stroke="#3f9c35" stroke-dasharray="5 4"', limit))
    for number, (name, points) in enumerate(lines.items()):
        color = COLORS[number % len(COLORS)]
        path = ' '.join('{:.1f},{:.1f}'.format(*at(x, y)) for x, y in points)
        height = _TOP + 22 * number + 8
        left = _WIDTH - _RIGHT + 20
        parts += [
            f'<polyline stroke="{color}" points="{path}"/>',
            f'<path stroke="{color}" stroke-width="2" d="M{left} {height}h18"/>',
            _text(left + 26, height + 4, 'start', escape(name)),
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Error over range">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
