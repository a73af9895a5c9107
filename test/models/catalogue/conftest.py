"""A catalogue entry whose file a local server has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.models.catalogue.catalogue import Entry, load_catalogue
from test.models.catalogue.server import PATH, Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv('NO_PROXY', '*')
    monkeypatch.setenv('no_proxy', '*')
    with serving() as server:
        yield server


@pytest.fixture
def entry(server: Server) -> Entry:
    return entry_at(server.url)


def entry_at(url: str) -> Entry:
    first = load_catalogue()[0]
    return replace(first, name='model', source=replace(first.source, url=url), path=PATH)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / 'cache' / 'models'


def files_in(folder: Path) -> set[str]:
    """Return the names in the cache but for the locks."""
    return {path.name for path in folder.glob('*') if not path.name.endswith('.lock')}
