"""Fetching in several processes, in one that is killed, and onto a full disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from seg_perception.models.catalogue.catalogue import Entry
from seg_perception.models.catalogue.fetch import fetch
from test.models.catalogue import server as serve
from test.models.catalogue.conftest import files_in
from test.models.catalogue.server import DATA, NAME, SIZE, Server

PARTS = {f'{NAME}.part', f'{NAME}.part.json'}


def start_process(server: Server, folder: Path, *more: str) -> subprocess.Popen[str]:
    words = ['-m', 'test.models.catalogue.fetch_once', server.url, str(folder), *more]
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_full_disk_keeps_what_fitted(server: Server, entry: Entry, folder: Path) -> None:
    process = start_process(server, folder, '100000')
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f'expected to write {folder / NAME}, got: File too large; make room' in error
    assert files_in(folder) == PARTS
    kept = (folder / f'{NAME}.part').read_bytes()
    assert 0 < len(kept) <= 100_000
    assert kept == DATA[: len(kept)]
    assert fetch(entry, folder).read_bytes() == DATA
    assert server.asked[1]['Range'] == f'bytes={len(kept)}-'


def test_two_processes_fetch_once(server: Server, folder: Path) -> None:
    server.script = [serve.stall(SIZE // 2)]
    first = start_process(server, folder)
    assert server.asked_once.wait(60)
    second = start_process(server, folder)
    assert second.stderr is not None
    assert second.stderr.readline() == 'another process fetches model: waiting for it\n'
    assert files_in(folder) <= PARTS
    server.released.set()
    for process in (first, second):
        printed, _ = process.communicate(timeout=60)
        assert printed == f'{folder / NAME}\n'
    assert len(server.asked) == 1
    assert (folder / NAME).read_bytes() == DATA


def test_a_killed_process_can_be_followed(server: Server, entry: Entry, folder: Path) -> None:
    server.script = [serve.stall(SIZE // 2)]
    process = start_process(server, folder)
    assert server.asked_once.wait(60)
    process.kill()
    process.communicate(timeout=60)
    assert files_in(folder) <= PARTS
    assert fetch(entry, folder).read_bytes() == DATA
