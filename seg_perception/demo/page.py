"""The summary page: one file beside its pictures, with nothing loaded from elsewhere."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from html import escape
from pathlib import Path

from seg_perception.core.labels import DRIVABLE, OBSTACLE, LabelSet
from seg_perception.demo.pictures import DRIVABLE_COLOR, OBSTACLE_COLOR, MomentFiles
from seg_perception.demo.plot import latency_plot
from seg_perception.demo.style import STYLE
from seg_perception.demo.summary import Summary


def write_page(path: Path, summary: Summary, labels: LabelSet) -> None:
    """Write the page; the pictures that `summary` names are expected in the same folder."""
    path.write_text(render_page(summary, labels), encoding='utf-8')


def render_page(summary: Summary, labels: LabelSet) -> str:
    """Return the page as HTML."""
    sections = [_header(summary), _tiles(summary)]
    if summary.overview:
        sections.append(
            _section(
                'Overview',
                f'<img class="overview" src="{escape(summary.overview)}" '
                'alt="Animated overview of the run">',
            )
        )
    if summary.moments:
        sections.append(_section('Moments', ''.join(map(_moment, summary.moments))))
    sections.append(_section('Classes', _classes(summary, labels)))
    if summary.latencies:
        sections.append(_section('Latency', _latency(summary)))
    sections += [_section('Frames', _frames(summary)), _section('What was run', _run(summary))]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<title>seg_perception demo</title>\n'
        f'<style>{STYLE}</style>\n</head>\n<body>\n<main>\n'
        + '\n'.join(sections)
        + '\n</main>\n</body>\n</html>\n'
    )


def _section(title: str, body: str) -> str:
    return f'<section>\n<h2>{title}</h2>\n{body}\n</section>'


def _header(summary: Summary) -> str:
    size = f' at {summary.size[0]} × {summary.size[1]} pixels' if summary.size else ''
    return (
        '<header>\n<h1>Street segmentation demo</h1>\n'
        f'<p class="soft">{escape(summary.source or "a camera")}{size}, segmented by '
        f'{escape(summary.model or "no model")}</p>\n</header>'
    )


def _tiles(summary: Summary) -> str:
    counts = summary.counts
    tiles = [
        ('rate of results', f'{summary.rate:.1f} <small>Hz</small>', False),
        ('median latency', _milliseconds(summary.latency(50)), False),
        ('99th percentile', _milliseconds(summary.latency(99)), False),
        ('frames in', str(counts.frames_in), counts.frames_in == 0),
        ('frames out', str(counts.frames_out), counts.frames_out == 0),
        ('dropped', str(counts.dropped), False),
    ]
    if summary.miou is not None:
        tiles.insert(0, ('mean IoU', f'{summary.miou:.3f}', False))
    return '<div class="tiles">' + ''.join(_tile(*tile) for tile in tiles) + '</div>'


def _tile(name: str, value: str, problem: bool) -> str:
    return f'<div class="card tile{" problem" * problem}"><b>{value}</b><span>{name}</span></div>'


def _milliseconds(value: float | None) -> str:
    return '–' if value is None else f'{value:.0f} <small>ms</small>'


def _moment(moment: MomentFiles) -> str:
    views = (
        (moment.camera, f'Camera, {moment.stamp:.1f} s', 'Camera'),
        (moment.overlay, 'Overlay of the classes', 'Overlay'),
        (
            moment.masks,
            f'Masks:{_key(DRIVABLE_COLOR)}drivable{_key(OBSTACLE_COLOR)}obstacle',
            'Masks',
        ),
    )
    return (
        '<div class="moment">'
        + ''.join(
            f'<figure><a href="{escape(file)}"><img loading="lazy" src="{escape(file)}" '
            f'alt="{alt} at {moment.stamp:.1f} s"></a><figcaption>{caption}</figcaption></figure>'
            for file, caption, alt in views
        )
        + '</div>\n'
    )


def _key(color: Iterable[int]) -> str:
    blue, green, red = color
    return f'<span class="key" style="background:rgb({red},{green},{blue})"></span>'


def _classes(summary: Summary, labels: LabelSet) -> str:
    rows = []
    for train_id, label in enumerate(labels.labels):
        groups = [g for g in (DRIVABLE, OBSTACLE) if train_id in labels.groups.get(g, ())]
        iou = summary.class_iou.get(label.name)
        bar = '' if iou is None else f'<div class="bar"><i style="width:{iou:.1%}"></i></div>'
        rows.append(
            f'<div class="class" title="{escape(", ".join(groups) or "in no mask")}">'
            f'<span class="swatch" style="background:rgb{label.color}"></span>'
            f'<span>{escape(label.name)}</span><span>{bar}</span>'
            f'<span class="number">{"" if iou is None else f"{iou:.3f}"}</span></div>'
        )
    note = (
        f'Bars: intersection over union with the truth, over {summary.frames_scored} frames; '
        'a class without a bar was not in the picture.'
        if summary.frames_scored
        else 'The source has no truth to compare with.'
    )
    return (
        f'<div class="card"><div class="classes">{"".join(rows)}</div></div>'
        f'<p class="soft">{note}</p>'
    )


def _latency(summary: Summary) -> str:
    return (
        f'<div class="card plot">{latency_plot(summary.arrivals, summary.latencies)}</div>'
        '<p class="soft">Milliseconds from the camera’s stamp to the arrival of the label image at '
        'a subscriber, over seconds; dashed: the median.</p>'
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
    return _table((name, f'{value} <span class="soft">{text}</span>') for name, value, text in rows)


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
    return _table(rows)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    body = ''.join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<div class="card"><table>{body}</table></div>'
