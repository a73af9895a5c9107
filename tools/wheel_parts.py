"""Large wheels in parts, for a machine that takes small files only.

python3 -m tools.wheel_parts split WHEEL.whl … --into parts --mib 48
python3 -m tools.wheel_parts install parts --target site    # there; then PYTHONPATH=site
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_MANIFEST = 'wheels.json'


def split(wheels: Sequence[Path], into: Path, part_bytes: int) -> None:
    """Write the parts of wheels, and a manifest with their sha256."""
    into.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for wheel in wheels:
        content = wheel.read_bytes()
        starts = range(0, len(content), part_bytes)
        names = [f'{wheel.name}.{number:03d}' for number in range(len(starts))]
        for name, start in zip(names, starts, strict=True):
            (into / name).write_bytes(content[start : start + part_bytes])
        manifest[wheel.name] = {'parts': names, 'sha256': hashlib.sha256(content).hexdigest()}
    (into / _MANIFEST).write_text(json.dumps(manifest, indent=2) + '\n')


def join(parts: Path, into: Path) -> list[Path]:
    """Put wheels together again and return them.

    :raises ValueError: when a part is missing or damaged.
    """
    wheels = []
    for name, entry in json.loads((parts / _MANIFEST).read_text()).items():
        if absent := [part for part in entry['parts'] if not (parts / part).is_file()]:
            raise ValueError(f'{name}: expected all parts in {parts}, missing {", ".join(absent)}')
        content = b''.join((parts / part).read_bytes() for part in entry['parts'])
        if hashlib.sha256(content).hexdigest() != entry['sha256']:
            raise ValueError(f'{name}: its parts in {parts} are damaged; send them again')
        wheels.append(into / name)
        wheels[-1].write_bytes(content)
    return wheels


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python3 -m tools.wheel_parts', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    to_split = commands.add_parser('split', help='here')
    to_split.add_argument('wheels', type=Path, nargs='+')
    to_split.add_argument('--into', type=Path, required=True, metavar='DIR')
    to_split.add_argument('--mib', type=int, default=48, help='of a part (48)')
    to_install = commands.add_parser('install', help='there, without a network')
    to_install.add_argument('parts', type=Path, metavar='DIR')
    to_install.add_argument('--target', type=Path, required=True, metavar='DIR')
    options = parser.parse_args(argv)
    if options.command == 'split':
        split(options.wheels, options.into, options.mib << 20)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheels = join(options.parts, Path(folder))
        except (OSError, ValueError) as error:
            print(f'wheel_parts: {error}', file=sys.stderr)
            return 1
        command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps']
        target = ['--upgrade', '--target', str(options.target)]
        return subprocess.run([*command, *target, *map(str, wheels)], check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
