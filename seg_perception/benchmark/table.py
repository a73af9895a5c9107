"""Tables as text and as Markdown, from the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seg_perception.benchmark.statistics import Spread

NOTHING = '–'


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, and rows of cells; the first column is text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Return it for a terminal, numbers to the right."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [self._line(row, widths) for row in (self.columns, *self.rows)]
        return '\n'.join([self.title, lines[0], '-' * len(lines[0]), *lines[1:]])

    def markdown(self) -> str:
        """Return it for a document."""
        head = [self.columns, ('---', *['---:'] * (len(self.columns) - 1)), *self.rows]
        lines = ['| ' + ' | '.join(row) + ' |' for row in head]
        return '\n'.join([f'**{self.title}**', '', *lines])

    def without_empty(self) -> Table:
        """Return it without the columns in which no row has anything."""
        kept = [
            number
            for number, cells in enumerate(zip(*self.rows, strict=True))
            if set(cells) != {NOTHING}
        ]
        return Table(
            self.title,
            tuple(self.columns[number] for number in kept),
            tuple(tuple(row[number] for number in kept) for row in self.rows),
        )

    @staticmethod
    def _line(row: Sequence[str], widths: Sequence[int]) -> str:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return '  '.join(cells).rstrip()


def number(value: float | None, digits: int = 1) -> str:
    """Return a number as a cell; a dash for none."""
    return NOTHING if value is None else f'{value:.{digits}f}'


def percent(share: float | None, digits: int) -> str:
    """Return a share (0 to 1) as a cell; a dash for none."""
    return NOTHING if share is None else f'{100 * share:.{digits}f} %'


def ratio(value: float | None) -> str:
    """Return a ratio as a cell; a dash for none."""
    return NOTHING if value is None else f'{value:.2f}×'


def spread(value: Spread) -> str:
    """Return a spread as a cell: the median, in brackets the least and the largest."""
    return f'{value.median:.1f} ({value.least:.1f}–{value.largest:.1f})'
