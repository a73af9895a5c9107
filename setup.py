"""Install the Python tree alone, for the tools that need no ROS graph (`model`, `replay`).

The whole package, with its messages and nodes, is built by colcon (`make build`).
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
NAME = 'seg_perception'
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()


def manifest(tag: str) -> str:
    """Return what package.xml says, the only place where it is said."""
    return ' '.join((MANIFEST.findtext(tag) or '').split())


def requirements(name: str) -> list[str]:
    """Return the names in a requirements file; the pins there are for `make`, not for users."""
    lines = [line.split('#')[0].strip() for line in (ROOT / 'requirements' / name).open()]
    pins = [line.partition('==') for line in lines if line]
    return sorted({pin[0] for pin in pins})


def data_files() -> list[tuple[str, list[str]]]:
    """Return config, launch and message files by the folder of `share/` that they belong in."""
    tops = ('config', 'launch', 'msg')
    files = [file for top in tops for file in (ROOT / top).rglob('*') if file.is_file()]
    folders = {file.parent.relative_to(ROOT) for file in files if '__pycache__' not in file.parts}
    return [
        (
            f'share/{NAME}/{folder}',
            [str(f.relative_to(ROOT)) for f in files if f.parent == ROOT / folder],
        )
        for folder in sorted(folders)
    ] + [(f'share/{NAME}', ['package.xml'])]


setup(
    name=NAME,
    version=manifest('version'),
    description=manifest('description'),
    license=manifest('license'),
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['**/*.html', '**/*.css']},
    data_files=data_files(),
    python_requires='>=3.10',
    install_requires=requirements('runtime.txt'),
    extras_require={'train': requirements('train.txt')},
    entry_points={'console_scripts': [f'{NAME} = {NAME}.__main__:main']},
)
