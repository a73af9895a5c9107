"""The summary page: one file beside its pictures, with nothing loaded from elsewhere."""

from __future__ import annotations

import os
import platform
from html import escape
from pathlib import Path

from seg_perception.core.labels import DRIVABLE, OBSTACLE, LabelSet
from seg_perception.demo.pictures import DRIVABLE_COLOR, OBSTACLE_COLOR, MomentFiles
from seg_perception.demo.plot import latency_plot
from seg_perception.demo.style import STYLE
from seg_perception.demo.summary import Summary
from seg_perception.page import (
    class_bars,
    document,
    figures,
    header,
    key,
    note,
    section,
    table,
    tiles,
)


def write_page(path: Path, summary: Summary, labels: LabelSet) -> None:
    """Write the page; the pictures that `summary` names are expected in the same folder."""
    path.write_text(render_page(summary, labels), encoding='utf-8')


def render_page(summary: Summary, labels: LabelSet) -> str:
    """Return the page as HTML."""
    sections = [_header(summary), _tiles(summary)]
    if summary.overview:
        sections.append(
            section(
                'Overview',
                f'<img class="overview" src="{escape(summary.overview)}" '
                'alt="Animated overview of the run">',
            )
        )
    if summary.moments:
        sections.append(section('Moments', ''.join(map(_moment, summary.moments))))
    sections.append(section('Classes', _classes(summary, labels)))
    if summary.latencies:
        sections.append(section('Latency', _latency(summary)))
    sections += [section('Frames', _frames(summary)), section('What was run', _run(summary))]
    return document('seg_perception demo', sections, STYLE)


def _header(summary: Summary) -> str:
    size = f' at {summary.size[0]} × {summary.size[1]} pixels' if summary.size else ''
    text = f'{summary.source or "a camera"}{size}, segmented by {summary.model or "no model"}'
    return header('Street segmentation demo', escape(text))


def _tiles(summary: Summary) -> str:
    counts = summary.counts
    items = [
        ('rate of results', f'{summary.rate:.1f} <small>Hz</small>', False),
        ('median latency', _milliseconds(summary.latency(50)), False),
        ('99th percentile', _milliseconds(summary.latency(99)), False),
        ('frames in', str(counts.frames_in), counts.frames_in == 0),
        ('frames out', str(counts.frames_out), counts.frames_out == 0),
        ('dropped', str(counts.dropped), False),
    ]
    if summary.miou is not None:
        items.insert(0, ('mean IoU', f'{summary.miou:.3f}', False))
    return tiles(items)


def _milliseconds(value: float | None) -> str:
    return '–' if value is None else f'{value:.0f} <small>ms</small>'


def _moment(moment: MomentFiles) -> str:
    views = (
        (moment.camera, f'Camera, {moment.stamp:.1f} s', 'Camera'),
        (moment.overlay, 'Overlay of the classes', 'Overlay'),
        (
            moment.masks,
            f'Masks:{key(DRIVABLE_COLOR[::-1])}drivable{key(OBSTACLE_COLOR[::-1])}obstacle',
            'Masks',
        ),
    )
    return figures(
        ((escape(file), f'{alt} at {moment.stamp:.1f} s', caption) for file, caption, alt in views),
        links=True,
    )


def _classes(summary: Summary, labels: LabelSet) -> str:
    rows = []
    for train_id, label in enumerate(labels.labels):
        groups = [g for g in (DRIVABLE, OBSTACLE) if train_id in labels.groups.get(g, ())]
        hover = escape(', '.join(groups) or 'in no mask')
        rows.append((escape(label.name), label.color, summary.class_iou.get(label.name), hover))
    text = (
        f'Bars: intersection over union with the truth, over {summary.frames_scored} frames; '
        'a class without a bar was not in the picture.'
        if summary.frames_scored
        else 'The source has no truth to compare with.'
    )
    return class_bars(rows) + note(text)


def _latency(summary: Summary) -> str:
    plot = latency_plot(summary.arrivals, summary.latencies)
    return f'<div class="card plot">{plot}</div>' + note(
        'Milliseconds from the camera’s stamp to the arrival of the label image at a subscriber, '
        'over seconds; dashed: the median.'
    )


def _frames(summary: Summary) -> str:
    counts = summary.counts
    rows = [
        ('in', counts.frames_in, 'reached the node'),
        ('out', counts.frames_out, 'were segmented and published'),
        ('dropped, busy', counts.busy, 'made way for a newer frame while another was worked on'),
        ('dropped, stale', counts.stale, 'were too old to be worth the work'),
        ('dropped, bad', counts.bad, 'could not be used'),
        ('lost', summary.lost, 'were published by the camera and never reached the node'),
        ('skipped', summary.frames_skipped, 'were not made in time by the camera'),
    ]
    return table((name, f'{value} <span class="soft">{text}</span>') for name, value, text in rows)


def _run(summary: Summary) -> str:
    machine = f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores'
    distro = os.environ.get('ROS_DISTRO')
    rows = [
        ('command', f'<code>{escape(summary.command)}</code>' if summary.command else '–'),
        ('source', escape(summary.source or '–')),
        ('model', escape(summary.model or '–')),
        ('runtime', escape(summary.backend or '–')),
        ('machine', escape(machine)),
        (
            'software',
            escape(f'Python {platform.python_version()}' + (f', ROS 2 {distro}' if distro else '')),
        ),
    ]
    return table(rows)
