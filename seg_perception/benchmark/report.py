"""What a benchmark leaves: JSON for programs, tables, and a page with plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from html import escape
from pathlib import Path
from typing import Any

from seg_perception import page
from seg_perception.benchmark.machine import one_line
from seg_perception.benchmark.plots import STYLE
from seg_perception.benchmark.table import Table

SCHEMA = 'seg_perception.benchmark/1'
"""Of the JSON: raised when a key is taken away or means another thing."""

_TABLE_STYLE = """
.wide { overflow-x: auto; }
.wide td, .wide th { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.wide td:first-child, .wide th:first-child { text-align: left; }
"""


@dataclass(frozen=True)
class Report:
    """A benchmark's settings, figures and how to show them.

    :ivar kind: the command that made it: model, path, node, …
    :ivar command: the whole command line.
    :ivar machine: of `describe_machine`, from before the first round.
    :ivar results: figures by contestant; dataclasses within become objects.
    :ivar absent: contestants that could not take part, and why.
    :ivar tables: the same for people, ratios first.
    :ivar plots: titles and SVG.
    :ivar notes: what one must know to read the figures.
    """

    kind: str
    command: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    results: Mapping[str, Any]
    absent: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    plots: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()

    def text(self) -> str:
        """Return all that a terminal shows."""
        parts = [one_line(dict(self.machine)), *self.notes]
        parts += ['\n' + table.text() for table in self.tables]
        if self.absent:
            parts += ['', 'not measured:']
            parts += [f'  {name}: {reason}' for name, reason in self.absent.items()]
        return '\n'.join(parts)

    def markdown(self) -> str:
        """Return the tables for a document."""
        head = [f'`{self.command}`', one_line(dict(self.machine)), *self.notes]
        tables = [table.markdown() for table in self.tables]
        absent = [f'- not measured: {name}: {reason}' for name, reason in self.absent.items()]
        return '\n\n'.join([*head, *tables, *(['\n'.join(absent)] if absent else [])]) + '\n'

    def json(self) -> str:
        """Return all figures."""
        content = {
            'schema': SCHEMA,
            'kind': self.kind,
            'command': self.command,
            'machine': self.machine,
            'settings': self.settings,
            'results': self.results,
            'absent': self.absent,
            'notes': list(self.notes),
        }
        return json.dumps(content, indent=2, default=_plain) + '\n'

    def html(self) -> str:
        """Return a page that needs nothing else."""
        title = f'Benchmark: {self.kind}'
        sections = [page.header(title, f'<code>{escape(self.command)}</code>')]
        about = (one_line(dict(self.machine)), *self.notes)
        sections += [page.note(escape(text)) for text in about]
        sections += [
            page.section(escape(name), f'<div class="card plot">{plot}</div>')
            for name, plot in self.plots
        ]
        sections += [page.section(escape(table.title), _html_table(table)) for table in self.tables]
        if self.absent:
            rows = ((escape(name), escape(reason)) for name, reason in self.absent.items())
            sections.append(page.section('Not measured', page.table(rows)))
        return page.document(title, sections, STYLE + _TABLE_STYLE)

    def write(self, folder: Path) -> None:
        """Write `<kind>.json`, `.md`, `.html` and the plots as `<kind>_<number>.svg`.

        :raises OSError: when the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in (
            ('.json', self.json()),
            ('.md', self.markdown()),
            ('.html', self.html()),
        ):
            (folder / f'{self.kind}{ending}').write_text(content)
        for number, (_, plot) in enumerate(self.plots):
            # Alone it has no page whose colours it could take.
            fixed = plot.replace('>', '><style>' + _ALONE + '</style>', 1)
            (folder / f'{self.kind}_{number}.svg').write_text(fixed)


_ALONE = (
    'text{fill:#1b2430;font-size:13px}.soft{fill:#5c6878}.bar{fill:#1769c4}'
    '.spread{stroke:#1b2430;stroke-width:1.5}svg{background:#fff}'
)


def _html_table(table: Table) -> str:
    head = ''.join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = ''.join(
        '<tr>' + ''.join(f'<td>{escape(cell)}</td>' for cell in row) + '</tr>' for row in table.rows
    )
    return f'<div class="card wide"><table><tr>{head}</tr>{rows}</table></div>'


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f'no JSON for {type(value).__name__}')
