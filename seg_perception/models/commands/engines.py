"""`model engines`: what lies in the engine cache."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import datetime

from seg_perception.inference.engine_cache import EngineCache, EngineSettings
from seg_perception.inference.engine_folder import Entry
from seg_perception.models.commands.shared import Commands, add_command, add_engine_cache


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands, 'engines', 'list the engines that were built, or remove some', '--json'
    )
    add = parser.add_argument
    add('--json', action='store_true', help='print all that is known of them as JSON')
    add('--evict', nargs='*', metavar='NAME', help='remove these, or all')
    add_engine_cache(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    cache = EngineCache(EngineSettings(options.cache_dir, options.limit_mib))
    if options.evict is not None:
        removed = cache.evict(options.evict or None)
        for entry in removed:
            print(f'removed {entry.file}')
        print(f'{len(removed)} removed, {_megabytes(removed)} MB')
        return 0
    entries = cache.entries()
    if options.json:
        rows = [{**asdict(entry), 'file': str(entry.file)} for entry in entries]
        print(json.dumps(rows, indent=2))
        return 0
    for entry in entries:
        key, used = entry.key, datetime.fromtimestamp(entry.used).astimezone()
        print(entry.file)
        print(
            f'  {entry.about.get("model", "")} {key.shape} {key.precision} for '
            f'{key.gpu or "any GPU"} ({key.compute_capability}), {key.runtime} {key.version}'
        )
        print(f'  {_megabytes([entry])} MB, built {entry.built}, used {used:%Y-%m-%d %H:%M}')
    print(f'{len(entries)} engines, {_megabytes(entries)} MB, in {cache.folder}')
    return 0


def _megabytes(entries: list[Entry]) -> str:
    return f'{sum(entry.size for entry in entries) / 1e6:.1f}'
