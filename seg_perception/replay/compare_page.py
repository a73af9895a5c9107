"""A comparison of two runs as one HTML file: no other file, no script, nothing from a network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from seg_perception.core.products import LABEL
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
from seg_perception.replay import pictures
from seg_perception.replay.compare import MASKS, Comparison, FrameDifference
from seg_perception.replay.gates import Verdict
from seg_perception.replay.run_folder import Run
from seg_perception.replay.run_reader import InputImages, RunReader
from seg_perception.time_lines import PLOT_STYLE, Series, time_lines

_STYLE = """
.frame { margin-bottom: 22px; }
h3 { font-size: .95rem; font-weight: 600; margin: 0 0 8px; overflow-wrap: anywhere; }
.frame .figures { grid-template-columns: repeat(auto-fit, minmax(min(45%, 240px), 1fr)); }
"""


def render_page(
    first: Run, second: Run, found: Comparison, verdicts: Sequence[Verdict], worst: int = 6
) -> str:
    """Return the page as HTML, with pictures of the frames that differ most."""
    names = f'{first.path.name} and {second.path.name}'
    sections = [
        header(f'{escape(names)} compared', escape(str(first.about['settings']['input']))),
        _tiles(found),
        section('Over time', _over_time(found)),
        section('Classes', _classes(found)),
    ]
    if differing := found.worst(worst):
        sections.append(
            section('Frames that differ most', _frames(first, second, found, differing))
        )
    sections += [
        section('Verdicts', table((escape(v.name), _verdict(v)) for v in verdicts)),
        section('Runs', table(_runs(first, second))),
    ]
    return document(f'{escape(names)} compared', sections, _STYLE + PLOT_STYLE)


def _tiles(found: Comparison) -> str:
    missing = len(found.first_only) + len(found.second_only)
    items = [
        ('same label', f'{found.agreement:.2%}', False),
        ('mean IoU', f'{found.mean_iou:.4f}', False),
        ('worst frame', f'{found.worst_agreement:.2%}', False),
        ('frames in both', str(len(found.frames)), False),
        ('frames in one only', str(missing), bool(missing)),
    ]
    for mask in MASKS:
        gone, new = found.only(mask)
        items.append((f'{mask} pixels gone', f'{gone:,}', False))
        items.append((f'{mask} pixels new', f'{new:,}', False))
    gaps = [frame.metres for frame in found.frames if frame.metres]
    if gaps:
        mean = sum(gap[0] for gap in gaps) / len(gaps)
        items.append(('free space differs', f'{mean:.2f} <small>m</small>', False))
        farther = max(gap[1] for gap in gaps)
        items.append(('farthest beyond the first', f'{farther:.1f} <small>m</small>', False))
    return tiles(items)


def _over_time(found: Comparison) -> str:
    if not found.frames:
        return note('No frame is in both runs.')
    start = min(frame.key.stamp for frame in found.frames)
    seconds = [(frame.key.stamp - start) / 1e9 for frame in found.frames]
    return time_lines(
        'share of the pixels with another label',
        [Series('another label', seconds, [1 - frame.agreement for frame in found.frames])],
    )


def _classes(found: Comparison) -> str:
    colors = [label.color for label in found.labels.labels]
    pixels = found.counts.sum(axis=1)
    rows = [
        (escape(name), color, iou, f'{int(count):,} pixels in the first run')
        for (name, iou), color, count in zip(
            found.class_iou.items(), colors, pixels[: len(colors)], strict=True
        )
    ]
    return class_bars(rows) + note(
        'Pixels that both runs give a class, divided by those that either gives it; a class '
        'without a bar is in neither.'
    )


def _frames(
    first: Run, second: Run, found: Comparison, differing: Sequence[FrameDifference]
) -> str:
    readers = [RunReader(run, (LABEL,)) for run in (first, second)]
    images, parts = InputImages(first), []
    for frame in differing:
        one, other = (reader.at(frame.key, frame.time) for reader in readers)
        if one is None or other is None:
            continue
        camera = images.at(frame.key, frame.time)
        pair = one.images[LABEL], other.images[LABEL]
        views = [] if camera is None else [(pictures.camera_picture(camera), 'Image')]
        views += [
            (pictures.label_picture(label, found.labels, camera), escape(run.path.name))
            for label, run in zip(pair, (first, second), strict=True)
        ]
        legend = f'{key(pictures.DIFFERENCE)}different'
        views.append((pictures.difference_picture(*pair, camera), legend))
        name = f'{frame.key.camera} {frame.key.stamp / 1e9:.3f} s'
        shown = figures((source, escape(name), caption) for source, caption in views)
        title = f'{escape(name)} <span class="soft">{frame.agreement:.2%} the same</span>'
        parts.append(f'<div class="frame"><h3>{title}</h3>{shown}</div>')
    if images.missing:
        parts.append(note(f'The input is not there any more: {escape(images.missing)}'))
    return ''.join(parts)


def _verdict(verdict: Verdict) -> str:
    return f'{"kept" if verdict.kept else "<b>not kept</b>"}: {escape(verdict.said)}'


def _runs(first: Run, second: Run) -> list[tuple[str, str]]:
    rows = []
    for name, run in (('first', first), ('second', second)):
        model = run.about['model']
        what = f'{model["name"]}, {model["precision"]}, {model["sha256"]}'
        rows += [
            (f'{name} run', escape(str(run.path))),
            ('model', escape(what)),
            ('runtime', escape(run.about['backend'])),
            ('command', f'<code>{escape(run.about["command"])}</code>'),
        ]
    return rows
