"""An evaluation as one HTML file: no other file, no script, nothing from a network."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from seg_perception.core.confusion import Counts
from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import Grouping, LabelSet
from seg_perception.models.evaluation.report import Matching, Report
from seg_perception.models.evaluation.score import representatives
from seg_perception.models.evaluation.worst import ERROR_COLOR, UNSCORED_COLOR, WorstFrame
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

STYLE = """
.matrix { overflow: auto; padding: 0 16px 14px 0; max-height: 90vh; }
.matrix table { width: auto; font-size: .78rem; border-collapse: separate; border-spacing: 2px;
  font-variant-numeric: tabular-nums; }
.matrix th, .matrix td { border: 0; padding: 0; }
.matrix tbody th { position: sticky; left: 0; z-index: 1; background: var(--card);
  padding: 0 8px 0 16px; text-align: right; vertical-align: middle; }
.matrix thead th { position: sticky; top: 0; z-index: 2; background: var(--card);
  vertical-align: bottom; padding: 12px 0 6px; }
.matrix thead th:first-child { left: 0; z-index: 3; padding: 0 8px 6px 16px; text-align: right;
  font-weight: 400; color: var(--soft); }
.matrix thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
.matrix td { min-width: 2.1rem; height: 1.7rem; text-align: center; vertical-align: middle;
  border-radius: 4px; color: var(--soft); }
.matrix td.hit { background: rgba(63, 156, 53, var(--share)); color: var(--text); }
.matrix td.miss { background: rgba(214, 64, 47, var(--share)); color: var(--text); }
.worst { margin-bottom: 22px; }
.worst .key:first-child { margin-left: 0; }
.worst .figures { grid-template-columns: repeat(auto-fit, minmax(min(45%, 260px), 1fr)); }
h3 { font-size: .95rem; font-weight: 600; margin: 0 0 8px; overflow-wrap: anywhere; }
"""


def write_page(
    path: Path,
    report: Report,
    worst: Sequence[WorstFrame],
    labels: LabelSet,
    grouping: Grouping | None = None,
) -> None:
    """Write the page."""
    path.write_text(render_page(report, worst, labels, grouping), encoding='utf-8')


def render_page(
    report: Report,
    worst: Sequence[WorstFrame],
    labels: LabelSet,
    grouping: Grouping | None = None,
) -> str:
    """Return the page as HTML."""
    sections = [
        _header(report),
        _tiles(report),
        section('Classes', _classes(report, labels, grouping)),
        section('What was taken for what', _confusion(report)),
    ]
    if worst:
        sections.append(section('Worst frames', _worst(worst)))
    if report.contract is not None:
        sections.append(section('Model', _model(report.contract, report.sha256)))
    sections.append(section('What was run', _run(report)))
    return document(f'{escape(_title(report))} evaluated', sections, STYLE)


def _title(report: Report) -> str:
    return report.model or 'Labels'


def _header(report: Report) -> str:
    matching = report.matching
    if matching is not None:
        text = f'{report.dataset}: {matching.prediction} against {matching.truth}'
    else:
        how = 'sliding windows' if report.windows else 'whole images'
        text = f'{report.dataset}, split {report.split}: {how}{" with mirror" * report.flip}'
    return header(escape(_title(report)), escape(text))


def _tiles(report: Report) -> str:
    frames = [miou for miou in report.score.frame_miou if miou is not None]
    return tiles(
        [
            ('mean IoU', f'{report.score.miou:.4f}', False),
            ('pixel accuracy', f'{report.score.pixel_accuracy:.4f}', False),
            ('frames', str(report.score.frames), False),
            ('median frame', f'{statistics.median(frames):.3f}' if frames else '–', False),
            ('worst frame', f'{min(frames):.3f}' if frames else '–', False),
            *(
                (f'{escape(name)} {kind}', '–' if share is None else f'{share:.4f}', False)
                for name, group in report.score.groups.items()
                for kind, share in (('precision', group.precision), ('recall', group.recall))
            ),
        ]
    )


def _classes(report: Report, labels: LabelSet, grouping: Grouping | None) -> str:
    pixels = report.score.confusion.sum(axis=1)
    rows = []
    for number, train_id in enumerate(representatives(labels, grouping)):
        name, iou = list(report.score.class_iou.items())[number]
        hover = f'{int(pixels[number]):,} pixels in the truth'
        rows.append((escape(name), labels.labels[train_id].color, iou, hover))
    return class_bars(rows) + note(
        f'Intersection over union, by {escape(report.metric)}; a class without a bar is neither in '
        'the truth nor predicted.'
    )


def _confusion(report: Report) -> str:
    counts, names = report.score.confusion, list(report.score.class_iou)
    rows = [number for number in range(len(names)) if counts[number].any()]
    columns = [n for n in range(len(names) + 1) if counts[:, n].any() or n in rows]
    heads = ''.join(
        f'<th scope="col"><span>{escape(name)}</span></th>'
        for name in (_predicted_name(names, number) for number in columns)
    )
    body = ''.join(_confusion_row(counts, names, row, columns) for row in rows)
    return (
        '<div class="card matrix"><table><thead><tr><th>truth ↓ label →</th>'
        f'{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    ) + note(
        'Each row is a true class and shows in percent what its pixels were labelled as; '
        'hover for the pixels. Classes that do not occur are left out.'
    )


def _confusion_row(counts: Counts, names: Sequence[str], row: int, columns: Sequence[int]) -> str:
    cells = ''.join(_cells(counts[row], names, row, columns))
    return f'<tr><th scope="row">{escape(names[row])}</th>{cells}</tr>'


def _cells(counts: Counts, names: Sequence[str], row: int, columns: Sequence[int]) -> Iterator[str]:
    total = int(counts.sum())
    for column in columns:
        pixels = int(counts[column])
        if not pixels:
            yield '<td></td>'
            continue
        share = pixels / total
        hover = (
            f'{names[row]} labelled {_predicted_name(names, column)}: '
            f'{share:.2%}, {pixels:,} pixels'
        )
        # By the root, so that few pixels are seen, too.
        yield (
            f'<td class="{"hit" if column == row else "miss"}" '
            f'style="--share:{0.8 * np.sqrt(share):.2f}" title="{escape(hover)}">'
            f'{_percent(share)}</td>'
        )


def _percent(share: float) -> str:
    return f'{100 * share:.0f}' if share >= 0.005 else '·'


def _predicted_name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else '(none of these)'


def _worst(worst: Sequence[WorstFrame]) -> str:
    legend = f'{key(ERROR_COLOR)}wrong{key(UNSCORED_COLOR)}no truth'
    parts = []
    for frame in worst:
        name = escape(frame.name)
        views = (
            (frame.image, 'Image'),
            (frame.prediction, 'Prediction'),
            (frame.truth, 'Truth'),
            (frame.error, legend),
        )
        pictures = figures((source, name, caption) for source, caption in views if source)
        title = f'{name} <span class="soft">mean IoU {frame.miou:.3f}</span>'
        parts.append(f'<div class="worst"><h3>{title}</h3>{pictures}</div>')
    return ''.join(parts)


def _model(contract: ModelContract, sha256: str | None) -> str:
    width, height = contract.logits_size
    rows = [
        ('architecture', contract.architecture),
        ('input', f'{contract.width} × {contract.height} pixels'),
        ('logits', f'{width} × {height}, stride {contract.stride}'),
        ('align_corners', str(contract.align_corners).lower()),
        ('labels', f'{contract.label_set}, {len(contract.labels)} classes'),
        ('trained on', contract.trained_on),
        ('licence', f'weights: {contract.weights_license}; data: {contract.data_license}'),
        ('source', contract.source_url or '–'),
        ('date', contract.date),
        ('sha256', sha256 or '–'),
    ]
    return table((name, escape(value)) for name, value in rows)


def _run(report: Report) -> str:
    windows = report.windows
    views = 'the whole image'
    if windows:
        views = (
            f'windows of {windows.crop[0]} × {windows.crop[1]} pixels every '
            f'{windows.stride[0]} × {windows.stride[1]}'
        )
    rows = [('command', f'<code>{escape(report.command)}</code>')]
    if report.matching is not None:
        rows += _matching(report.matching)
    else:
        rows += [
            ('views', f'{views}{", each with its mirror" * report.flip}'),
            ('mean of', report.mean or '–'),
        ]
    rows += [
        ('grouping', escape(report.grouping or '–')),
        ('runtime', escape(report.backend or '–')),
        *((escape(name), escape(value)) for name, value in report.environment.items()),
        ('date', report.date),
    ]
    return table(rows)


def _matching(matching: Matching) -> list[tuple[str, str]]:
    return [
        ('predictions', escape(matching.prediction)),
        ('truth', f'{escape(matching.truth)} as {escape(matching.table)}'),
        *(
            (escape(name.replace('_', ' ')), f'{count:,}')
            for name, count in matching.counts.items()
        ),
    ]
