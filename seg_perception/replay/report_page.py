"""A run as one HTML file: no other file, no script, nothing from a network."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from seg_perception.core.labels import LabelSet
from seg_perception.core.products import LABEL
from seg_perception.page import document, figures, header, note, section, table, tiles
from seg_perception.replay import pictures
from seg_perception.replay.outputs import STAGES
from seg_perception.replay.run_folder import Run
from seg_perception.replay.run_reader import InputImages, Key, RunReader, labels_of
from seg_perception.time_lines import PLOT_STYLE, Series, time_lines

_STYLE = """
.sheet .figures { grid-template-columns: repeat(auto-fit, minmax(min(46%, 200px), 1fr)); }
.frame { margin-bottom: 22px; }
h3 { font-size: .95rem; font-weight: 600; margin: 18px 0 8px; overflow-wrap: anywhere; }
"""

_SHEET_WIDTH = 320
_SMALL_SHARE = 0.005
_LISTED = 20

Row = dict[str, Any]


def render_page(run: Run, *, sheet: int = 16, worst: int = 6) -> str:
    """Return the page as HTML.

    :param sheet: frames of the overview of each camera, evenly spaced.
    :param worst: frames of the lowest mean confidence that are shown.
    """
    labels, rows = labels_of(run), list(run.rows())
    images, reader = InputImages(run), RunReader(run, (LABEL,))
    used = [row for row in rows if 'dropped' not in row]
    name = escape(run.path.absolute().name)
    sections = [
        header(name, escape(str(run.about['settings']['input']))),
        _tiles(run, rows, used),
    ]
    for camera in run.about['topics']:
        own = [row for row in used if row['camera'] == camera]
        whose = f' ({escape(camera)})' if len(run.about['topics']) > 1 else ''
        if own:
            sections += [
                section(f'Overview{whose}', _sheet(own, sheet, labels, reader, images)),
                section(f'Over time{whose}', _over_time(own, labels)),
            ]
    if shown := [row for row in used if 'mean_confidence' in row]:
        least = heapq.nsmallest(worst, shown, key=lambda row: float(row['mean_confidence']))
        sections.append(section('Least sure frames', _worst(least, labels, reader, images)))
    if images.missing:
        sections.append(note(f'The input is not there any more: {escape(images.missing)}'))
    sections += [
        section('What was lost', _lost(run, rows)),
        section('Model', table(_flat(run.about['model']))),
        section('What was run', table(_what_was_run(run))),
    ]
    return document(f'{name}: run', sections, _STYLE + PLOT_STYLE)


def _tiles(run: Run, rows: Sequence[Row], used: Sequence[Row]) -> str:
    dropped, lost = len(rows) - len(used), len(run.about['losses'])
    items = [
        ('frames', str(len(rows)), False),
        ('could not be used', str(dropped), bool(dropped)),
        ('damages of the input', str(lost), bool(lost)),
        (
            'run at',
            f'{len(rows) / max(run.about["state"]["seconds"], 1e-9):.1f} <small>/s</small>',
            False,
        ),
    ]
    for name, key in (('network', 'infer'), ('decoding', 'decode')):
        times = [row['ms'][key] for row in used if key in row['ms']]
        if times:
            items.append((f'{name}, median', f'{np.median(times):.1f} <small>ms</small>', False))
    for name, key in (('mean confidence', 'mean_confidence'), ('drivable', 'drivable')):
        values = [row[key] for row in used if key in row]
        if values:
            items.append((name, f'{np.mean(values):.1%}', False))
    return tiles(items)


def _sheet(
    rows: Sequence[Row], count: int, labels: LabelSet, reader: RunReader, images: InputImages
) -> str:
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))
    views = []
    for number in chosen:
        row = rows[number]
        key = Key(row['stamp'], row['camera'])
        outputs = reader.at(key, row['time'])
        if outputs is not None and LABEL in outputs.images:
            label, camera = outputs.images[LABEL], images.at(key, row['time'])
            source = pictures.label_picture(label, labels, camera, _SHEET_WIDTH)
            caption = f'{_since(rows, row):.1f} s'
            views.append((source, f'frame at {caption}', caption))
    return f'<div class="sheet">{figures(views)}</div>'


def _over_time(rows: Sequence[Row], labels: LabelSet) -> str:
    seconds = [_since(rows, row) for row in rows]
    parts = [
        time_lines(
            'time a frame took in each stage, ms (stages overlap)',
            [
                Series(stage, seconds, [row['ms'].get(stage, math.nan) for row in rows])
                for stage in STAGES
            ],
        ),
        time_lines(
            'rate of the input, frames per second: where it falls, frames are missing',
            [Series('rate', seconds[1:], _rates(seconds))],
        ),
        _class_shares(rows, seconds, labels),
    ]
    shares = [
        Series(name, seconds, [row.get(key, math.nan) for row in rows])
        for name, key in (
            ('mean confidence', 'mean_confidence'),
            ('drivable', 'drivable'),
            ('obstacle', 'obstacle'),
            ('unlabelled', 'unlabelled_share'),
        )
        if any(key in row for row in rows)
    ]
    parts.append(time_lines('share of the pixels; mean confidence', shares))
    return ''.join(parts)


def _rates(seconds: Sequence[float]) -> list[float]:
    gaps = np.diff(np.asarray(seconds, float))
    # Two images with one stamp, or a clock that went back, have no rate.
    return [1 / gap if gap > 0 else math.nan for gap in gaps.tolist()]


def _class_shares(rows: Sequence[Row], seconds: Sequence[float], labels: LabelSet) -> str:
    shares = np.array([[*row['class_share'], row['unlabelled_share']] for row in rows])
    names = [*((label.name, label.color) for label in labels.labels), ('unlabelled', (0, 0, 0))]
    large = shares.mean(axis=0) >= _SMALL_SHARE
    series = [
        Series(name, seconds, shares[:, n].tolist(), color)
        for n, (name, color) in enumerate(names)
        if large[n]
    ]
    rest = Series('others', seconds, shares[:, ~large].sum(axis=1).tolist(), (150, 150, 150))
    return time_lines('shares of the classes', [*series, rest], stacked=True)


def _worst(rows: Sequence[Row], labels: LabelSet, reader: RunReader, images: InputImages) -> str:
    parts = []
    for row in rows:
        key = Key(row['stamp'], row['camera'])
        outputs, camera = reader.at(key, row['time']), images.at(key, row['time'])
        if outputs is None or LABEL not in outputs.images:
            continue
        views = [] if camera is None else [(pictures.camera_picture(camera), 'Image')]
        views.append((pictures.label_picture(outputs.images[LABEL], labels, None), 'Label'))
        name = f'{key.camera} {key.stamp / 1e9:.3f} s'
        shown = figures((source, escape(name), caption) for source, caption in views)
        title = f'{escape(name)} <span class="soft">confidence {row["mean_confidence"]:.3f}</span>'
        parts.append(f'<div class="frame"><h3>{title}</h3>{shown}</div>')
    return ''.join(parts)


def _lost(run: Run, rows: Sequence[Row]) -> str:
    dropped = [row for row in rows if 'dropped' in row]
    lines = [('input', escape(loss)) for loss in run.about['losses'][:_LISTED]]
    lines += [
        (f'{escape(row["camera"])} {row["stamp"] / 1e9:.3f} s', escape(row['dropped']))
        for row in dropped[:_LISTED]
    ]
    if not lines:
        return note('Nothing: every frame of the input was read and segmented.')
    left = len(run.about['losses']) + len(dropped) - len(lines)
    return table(lines) + (note(f'and {left} more') if left else '')


def _what_was_run(run: Run) -> list[tuple[str, str]]:
    about, settings = run.about, run.about['settings']
    cameras = ', '.join(f'{c["name"]} ({c["topic"]})' for c in settings['cameras'])
    return [
        ('command', f'<code>{escape(about["command"])}</code>'),
        ('cameras', escape(cameras)),
        ('runtime', escape(about['backend'])),
        *_flat(about['environment']),
        *_flat(settings['parameters']),
    ]


def _flat(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (escape(name), escape(', '.join(map(str, v)) if isinstance(v, list) else str(v)) or '–')
        for name, v in values.items()
    ]


def _since(rows: Sequence[Row], row: Row) -> float:
    return float(row['stamp'] - rows[0]['stamp']) / 1e9


def write_page(run: Run, path: Path, *, sheet: int = 16, worst: int = 6) -> None:
    """Write the page."""
    path.write_text(render_page(run, sheet=sheet, worst=worst), encoding='utf-8')
