"""Bar plots as inline SVG, in the colours of the page they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from seg_perception.benchmark.statistics import Spread

STYLE = """
.plot svg { display: block; width: 100%; height: auto; }
.plot text { fill: var(--text); font-size: 13px; }
.plot .soft { fill: var(--soft); }
.plot .bar { fill: var(--accent); }
.plot .spread { stroke: var(--text); stroke-width: 1.5; }
"""
"""What a page with these plots needs beyond what all pages share."""

STAGE_COLORS = (
    '#4c78a8',
    '#f58518',
    '#54a24b',
    '#e45756',
    '#72b7b2',
    '#b279a2',
    '#9d755d',
    '#eeca3b',
)
"""Told apart on a light and on a dark ground, and by most who see colours otherwise."""

_WIDTH, _LEFT, _RIGHT, _ROW, _BAR = 1000, 300, 90, 30, 18


def bars(values: Mapping[str, Spread], unit: str) -> str:
    """Return an `<svg>` with a bar for each name: the median, a line from least to largest."""
    longest = max((spread.largest for spread in values.values()), default=0) or 1
    parts = []
    for row, (name, spread) in enumerate(values.items()):
        middle = (row + 0.5) * _ROW
        least, median, largest = (
            _x(value / longest) for value in (spread.least, spread.median, spread.largest)
        )
        parts += [
            _name(name, middle),
            _rect('class="bar"', _LEFT, median, middle),
            f'<path class="spread" d="M{least:.1f} {middle:g}H{largest:.1f}"/>',
            f'<text x="{largest + 8:.1f}" y="{middle + 4:g}">{spread.median:.1f} {unit}</text>',
        ]
    return _svg(len(values) * _ROW, parts)


def stacks(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return an `<svg>` with a bar of stages, in milliseconds, for each name, and their legend."""
    stages = list(dict.fromkeys(stage for row in rows.values() for stage in row))
    color = {stage: STAGE_COLORS[n % len(STAGE_COLORS)] for n, stage in enumerate(stages)}
    longest = max((sum(row.values()) for row in rows.values()), default=0) or 1
    parts = []
    for number, (name, row) in enumerate(rows.items()):
        middle, start = (number + 0.5) * _ROW, 0.0
        parts.append(_name(name, middle))
        for stage, milliseconds in row.items():
            left, right = _x(start / longest), _x((start + milliseconds) / longest)
            start += milliseconds
            title = f'{escape(stage)}: {milliseconds:.2f} ms'
            parts.append(_rect(f'fill="{color[stage]}"', left, right, middle, title))
        end = _x(start / longest) + 8
        parts.append(f'<text x="{end:.1f}" y="{middle + 4:g}">{start:.1f} ms</text>')
    top = len(rows) * _ROW + 8
    parts += _legend(stages, color, top)
    return _svg(top + 24, parts)


def _legend(stages: Sequence[str], color: Mapping[str, str], top: float) -> list[str]:
    step = (_WIDTH - _LEFT) / max(len(stages), 1)
    return [
        f'<rect fill="{color[stage]}" x="{_LEFT + n * step:.1f}" y="{top}" width="12" height="12"/>'
        f'<text class="soft" x="{_LEFT + n * step + 17:.1f}" y="{top + 11}">{escape(stage)}</text>'
        for n, stage in enumerate(stages)
    ]


def _rect(look: str, left: float, right: float, middle: float, title: str = '') -> str:
    return (
        f'<rect {look} x="{left:.1f}" y="{middle - _BAR / 2:g}" width="{right - left:.1f}" '
        f'height="{_BAR}"><title>{title}</title></rect>'
    )


def _name(name: str, middle: float) -> str:
    return f'<text x="{_LEFT - 10}" y="{middle + 4:g}" text-anchor="end">{escape(name)}</text>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _svg(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'font-family="sans-serif">{"".join(parts)}</svg>'
    )
