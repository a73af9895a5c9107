"""The catalogue: published models by name, as `config/catalogue.yaml` lists them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from seg_perception.models.catalogue.cache import cache_folder
from seg_perception.models.networks.architecture import ARCHITECTURES
from seg_perception.resources import bundled_model, config_file

_TESTS = {'whole': 'Cityscapes val', 'sliding': 'Cityscapes val, sliding'}
_HASH = re.compile(r'-([0-9a-f]{8})\.pth$')


class CatalogueError(ValueError):
    """The catalogue has no such model, or is damaged; the message tells how to mend it."""


@dataclass(frozen=True)
class Source:
    """Who publishes models, where and under which terms; the package itself has no URL."""

    title: str
    page: str
    url: str
    license: str
    trained_on: str
    data: str


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue; None is what the source does not tell.

    :param path: of its file below the source's URL.
    :param config: its name in the source's own tables.
    :param architecture: name of one of `ARCHITECTURES`, which say what the tensors do not tell.
    :param crop: (height, width) of the training crops in pixels.
    :param miou: published mean IoU in %; `miou_flip` is that of several scales and their mirror
        images; `measured_on` is what both were measured on.
    :param gmacs: 10^9 multiply-adds for an image of 1024x512.
    :param size_mb: 10^6 bytes of the tensors; the file is a little larger.
    """

    name: str
    source: Source
    path: str
    config: str
    architecture: str
    crop: tuple[int, int] | None
    iterations: int | None
    measured_on: str
    miou: float | None
    miou_flip: float | None
    gmacs: float | None
    size_mb: float

    @property
    def url(self) -> str:
        """Where the source publishes the file; empty for the bundled model."""
        return f'{self.source.url}/{self.path}' if self.path else ''

    @property
    def file_name(self) -> str:
        """Name of the file, at the source and in the cache."""
        return self.path.rpartition('/')[2]

    @property
    def sha256_prefix(self) -> str:
        """The first eight hex digits of the file's sha256, in which its name ends."""
        found = _HASH.search(self.path)
        return found[1] if found else ''

    def file_in(self, folder: Path) -> Path | None:
        """Return the file where this machine has it, in the folder of fetched models; else None."""
        file = folder / self.file_name if self.path else bundled_model()
        return file if file.is_file() else None


def load_catalogue(path: Path | None = None) -> tuple[Entry, ...]:
    """Read what can be fetched; default: `config/catalogue.yaml`.

    :raises CatalogueError: when an entry is missing or wrong; the message names it.
    """
    data = _read(path)
    name = 'sources'
    try:
        sources = {key: Source(**fields) for key, fields in data['sources'].items()}
        entries = []
        for name, fields in data['models'].items():
            entries.append(_entry(name, fields, sources))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f'{_shown(path)}: {name}: not as its head describes: {error!r}'
        ) from error
    return tuple(entries)


def bundled_entry() -> Entry:
    """Return the model that comes with the package, as its file tells of it.

    :raises ModelError: when the file is damaged.
    """
    from seg_perception.inference.choice import read_contract

    file = bundled_model()
    contract = read_contract(file)
    accuracy = next(iter(contract.accuracy), None)
    return Entry(
        name=contract.name,
        source=Source(
            title='this package',
            page='',
            url='',
            license=contract.weights_license,
            trained_on=contract.trained_on,
            data=contract.data_license,
        ),
        path='',
        config='',
        architecture=contract.architecture,
        crop=None,
        iterations=None,
        measured_on=accuracy.dataset if accuracy else '-',
        miou=100 * accuracy.miou if accuracy else None,
        miou_flip=None,
        gmacs=_read(None)['bundled']['gmacs'].get(contract.architecture),
        size_mb=file.stat().st_size / 1e6,
    )


def find(name: str) -> Entry:
    """Look up a model that can be fetched.

    :raises CatalogueError: when there is none of that name; the message tells the nearest names.
    """
    entries = {entry.name: entry for entry in load_catalogue()}
    if name not in entries:
        near = [known for known in entries if name in known]
        near = near or difflib.get_close_matches(name, entries) or ['one of `model list`']
        raise CatalogueError(f'the catalogue has no model {name!r}; expected {" or ".join(near)}')
    return entries[name]


def locate(text: str, cache: Path | None = None) -> Path:
    """Return the file that a path means, or the name of a fetched model in the chosen cache.

    :raises CatalogueError: when there is neither; the message tells how to fetch the model.
    """
    if (path := Path(text)).exists():
        return path
    entry = find(text)
    file = entry.file_in(cache_folder(cache))
    if file is None:
        raise CatalogueError(
            f'{text} is not fetched yet: run `python3 -m seg_perception model fetch {text}` first'
        )
    return file


def entry_of_sha256(digest: str) -> Entry | None:
    """Return the entry whose published file has this sha256 (64 hex digits), whatever its name."""
    return next((e for e in load_catalogue() if digest.startswith(e.sha256_prefix)), None)


def _entry(name: str, fields: Mapping[str, Any], sources: Mapping[str, Source]) -> Entry:
    values = dict(fields)
    height, width = values.pop('crop')
    entry = Entry(
        name=name,
        source=sources[values.pop('source')],
        crop=(height, width),
        measured_on=_TESTS[values.pop('test')],
        **values,
    )
    if not entry.sha256_prefix:
        raise ValueError(f'path: expected a name ending in -<8 hex digits>.pth, got {entry.path!r}')
    if entry.architecture not in ARCHITECTURES:
        raise ValueError(f'architecture: expected one of ARCHITECTURES, got {entry.architecture!r}')
    return entry


def _shown(path: Path | None) -> str:
    return str(path or 'config/catalogue.yaml')


def _read(path: Path | None) -> Any:
    text = (path or config_file('catalogue.yaml')).read_text(encoding='utf-8')
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CatalogueError(f'{_shown(path)}: expected YAML: {error}') from error
