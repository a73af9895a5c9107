"""The page of results: one file beside its pictures, with nothing loaded from elsewhere."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from seg_perception.page import document, figures, header, note, section, table, tiles
from seg_perception.planner.plot import STYLE, error_plot


def write_page(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the page; the pictures that `summary` names are expected in the same folder."""
    path.write_text(render_page(summary), encoding='utf-8')


def render_page(summary: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    sections = [
        header(
            'What a planner gets',
            escape(
                f'Free space and drivable grid of {summary["frames"]} frames of '
                f'{summary["scenes"]} made-up streets, against the world they were painted from'
            ),
        ),
        _tiles(summary),
        section('Range error', _plot(summary)),
        section('Figures', ''.join(_figures(*source) for source in summary['sources'].items())),
        *(
            section(f'Votes on the labels of {escape(n)}', _votes(v))
            for n, v in summary['votes'].items()
        ),
        section('Frames', ''.join(_frame(shown) for shown in summary['pictures'])),
        section('What was run', _run(summary)),
    ]
    return document('seg_perception planner check', sections, STYLE)


def _tiles(summary: Mapping[str, Any]) -> str:
    limits, items = summary['limits'], []
    for number, (name, source) in enumerate(summary['sources'].items()):
        error, occupied = source['range_error']['median'], source['grid']['free_but_occupied']
        judged = number == 0
        items += [
            (
                f'median range error, {escape(name)}',
                f'{error:.1%}',
                judged and error > limits['median_range_error'],
            ),
            (
                f'free cells occupied, {escape(name)}',
                f'{occupied:.2%}',
                judged and occupied > limits['free_but_occupied'],
            ),
        ]
    cost = summary['cost_ms']['median']
    items.append(('of a frame, all outputs, one core', f'{cost:.1f} <small>ms</small>', False))
    return tiles(items)


def _plot(summary: Mapping[str, Any]) -> str:
    lines = {}
    for name, source in summary['sources'].items():
        for key, text in (('median', 'median'), ('p90', '90 % below')):
            lines[f'{name}: {text}'] = [
                (_middle(bin_), 100 * spread[key])
                for bin_, spread in source['range_error']['by_range_m'].items()
            ]
    limit = 100 * summary['limits']['median_range_error']
    return f'<div class="card plot">{error_plot(lines, limit=limit)}</div>' + note(
        'Difference of the found from the true range at which the free road ends, as share of the '
        'true one, over all bearings on which it ends in view; dashed: the limit for the median.'
    )


def _middle(bin_: str) -> float:
    low, high = bin_.split('-')
    return (float(low) + float(high)) / 2


def _figures(name: str, source: Mapping[str, Any]) -> str:
    error, grid = source['range_error'], source['grid']
    ends = (
        f'median {error["median"]:.2%}, 90 % below {error["p90"]:.1%}, 95 % below '
        f'{error["p95"]:.1%}; over 10 % too far {error["too_far"]:.1%}, too near '
        f'{error["too_near"]:.1%}; ended by the unknown {error["ended_by_unknown"]:.1%}; '
        f'{error["bearings"]} bearings'
    )
    free = (
        f'{grid["free_cells"]}: {grid["free_but_occupied"]:.3%} truly occupied, '
        f'{grid["free_but_off_road"]:.3%} over the kerb; '
        f'{grid["visible_free_found"]:.1%} of those that could be seen were found'
    )
    occupied = f'{grid["occupied_cells"]}: {grid["occupied_right"]:.1%} where something stands'
    by_class = ((f'ended by {escape(n)}', _class(s)) for n, s in error['by_class'].items())
    rows = [('range', ends), *by_class, ('free cells', free), ('occupied cells', occupied)]
    return note(escape(name)) + table(rows)


def _class(spread: Mapping[str, Any]) -> str:
    return (
        f'median {spread["median"]:.2%}, p90 {spread["p90"]:.1%}, signed median '
        f'{spread["median_signed"]:+.2%}; {spread["bearings"]} bearings'
    )


def _votes(votes: list[dict[str, float]]) -> str:
    return table((f'{vote["frames"]} of the last frames', _vote(vote)) for vote in votes)


def _vote(vote: Mapping[str, float]) -> str:
    return (
        f'{vote["wrong"]:.2%} of the pixels wrong, {vote["flicker"]:.2%} flicker, '
        f'{vote["obstacle_missed"]:.2%} of the obstacles missed; what is no obstacle is '
        f'{vote["latency_frames"]:g} frames late'
    )


def _frame(shown: Mapping[str, str]) -> str:
    views = [
        (escape(file), escape(f'{name}, {shown["frame"]}'), escape(f'{name}: {shown["frame"]}'))
        for name, file in shown.items()
        if name != 'frame'
    ]
    return figures(views, links=True)


def _run(summary: Mapping[str, Any]) -> str:
    machine = f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores'
    cost = summary['cost_ms']
    spent = (
        f'median {cost["median"]:.2f} ms, p95 {cost["p95"]:.2f} ms a frame, '
        f'{cost["cpu"]:.2f} ms of CPU time'
    )
    rows = [
        ('command', f'<code>{escape(summary["command"])}</code>'),
        ('labels', '{} by {} pixels'.format(*summary['size'])),
        ('cost', f'{spent}; tables {cost["tables"]:.0f} ms, once'),
        ('machine', escape(machine)),
    ]
    return table(rows)
