"""`model fetch`: a published model into the cache."""

from __future__ import annotations

import argparse
import os
import sys

from seg_perception.files import sha256_of
from seg_perception.models.catalogue.cache import cache_folder
from seg_perception.models.catalogue.catalogue import bundled_entry, find
from seg_perception.models.commands.shared import PROGRAM, Commands, add_cache, add_command
from seg_perception.resources import bundled_model

MIRROR_VARIABLE = 'SEG_PERCEPTION_MIRROR'


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'fetch',
        'download a model of `model list` and check it',
        'pspnet_r50_d8_512x1024_80k',
    )
    add = parser.add_argument
    add('name', metavar='NAME', help='as `model list` prints it')
    add_cache(parser)
    add('--mirror', metavar='URL', help=f"in place of the source's base ({MIRROR_VARIABLE})")
    add('--offline', action='store_true', help='take it from the cache or fail')
    add('--tries', type=int, default=5, help='requests in a row that may bring nothing (5)')


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    if options.name == bundled_entry().name:
        print(f'{options.name} comes with the package: {bundled_model()}')
        print(f'next: {PROGRAM} info')
        return 0
    if options.tries < 1:
        raise ValueError(f'--tries: expected 1 or more, got {options.tries}')
    entry = find(options.name)
    from seg_perception.models.catalogue.fetch import Options, fetch

    how = Options(
        mirror=options.mirror or os.environ.get(MIRROR_VARIABLE, ''),
        offline=options.offline,
        tries=options.tries,
    )
    try:
        file = fetch(entry, cache_folder(options.cache), how)
    except KeyboardInterrupt:
        print('stopped; the same command goes on from what has come', file=sys.stderr)
        return 130
    print(f'{file}\nsha256 {sha256_of(file)}')
    print(f'licence: {entry.source.license}; data: {entry.source.data}')
    print(f'next: {PROGRAM} import {file} --output {entry.name}.onnx')
    return 0
