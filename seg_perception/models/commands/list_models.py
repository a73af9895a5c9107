"""`model list`: what the catalogue holds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from seg_perception.models.catalogue.cache import cache_folder
from seg_perception.models.catalogue.catalogue import Entry, bundled_entry, load_catalogue
from seg_perception.models.commands.shared import Commands, add_cache, add_command


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, 'list', 'list the models that can be had', '--json')
    parser.add_argument('--json', action='store_true', help='print all that is known as JSON')
    add_cache(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    folder = cache_folder(options.cache)
    entries = [bundled_entry(), *load_catalogue()]
    files = [entry.file_in(folder) for entry in entries]
    if options.json:
        rows = [
            {
                **asdict(entry),
                'url': entry.url,
                'sha256_prefix': entry.sha256_prefix,
                'file': str(file) if file else None,
            }
            for entry, file in zip(entries, files, strict=True)
        ]
        print(json.dumps(rows, indent=2))
        return 0
    _print_table(entries, files)
    print()
    sources = {entry.source.title: entry.source for entry in entries}
    for source in sources.values():
        print(f'{source.title}: {source.page}'.rstrip(': '))
        print(f'  licence: {source.license}; data: {source.data}')
    print(f'fetched models lie in {folder}')
    return 0


def _print_table(entries: Sequence[Entry], files: Sequence[Path | None]) -> None:
    rows = [('name', 'mIoU', 'flip', 'measured on', 'GMACs', 'MB', 'source', 'licence', 'here')]
    rows += [
        (
            entry.name,
            _number(entry.miou, 2),
            _number(entry.miou_flip, 2),
            entry.measured_on,
            _number(entry.gmacs, 1),
            _number(entry.size_mb, 0),
            entry.source.title,
            entry.source.license,
            'yes' if file else '',
        )
        for entry, file in zip(entries, files, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if head in {'mIoU', 'flip', 'GMACs', 'MB'} else cell.ljust(width)
            for head, cell, width in zip(rows[0], row, widths, strict=True)
        ]
        print('  '.join(cells).rstrip())


def _number(value: float | None, digits: int) -> str:
    return '-' if value is None else f'{value:.{digits}f}'
