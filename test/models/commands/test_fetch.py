"""`model fetch` as a person uses it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from seg_perception.models.catalogue.catalogue import find
from seg_perception.models.cli import main
from seg_perception.resources import config_file
from test.models.catalogue.server import DATA, PATH, Handler, serving, status

NAME = 'pspnet_r18_d8_512x1024_80k'


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('NO_PROXY', 'no_proxy'):
        monkeypatch.setenv(name, '*')


def test_what_to_do_next_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = config_file('catalogue.yaml').read_text()
    (tmp_path / 'catalogue.yaml').write_text(shipped.replace(find(NAME).path, PATH))
    monkeypatch.setattr(
        'seg_perception.models.catalogue.catalogue.config_file', lambda name: tmp_path / name
    )
    monkeypatch.setenv('SEG_PERCEPTION_CACHE', str(tmp_path))
    with serving() as server:
        monkeypatch.setenv('SEG_PERCEPTION_MIRROR', server.url)
        assert main(['fetch', NAME]) == 0
    file = tmp_path / 'models' / Path(PATH).name
    assert file.read_bytes() == DATA
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == str(file)
    assert printed[1].startswith('sha256 ')
    assert 'non-commercial' in printed[2]
    assert printed[3] == (
        f'next: python3 -m seg_perception model import {file} --output {NAME}.onnx'
    )


def test_the_bundled_model_needs_no_fetching(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['fetch', 'pspnet_lite0_street']) == 0
    assert 'comes with the package' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['pspnet_r19'], "the catalogue has no model 'pspnet_r19'"),
        ([NAME, '--offline'], 'as --offline was given, got none'),
        ([NAME, '--tries', '0'], '--tries: expected 1 or more, got 0'),
        ([NAME, '--mirror', 'http://models.example'], 'expected an https:// address'),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(['fetch', *words, '--cache', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith('model fetch: ')
    assert message in error
    assert error.count('\n') == 1


def test_a_server_without_the_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as server:
        server.script = [status(404)]
        words = ['--mirror', server.url, '--cache', str(tmp_path)]
        assert main(['fetch', NAME, *words]) == 1
    error = capsys.readouterr().err
    assert f'expected the file from {server.url}/{find(NAME).path}, got 404 Not Found' in error
    assert error.count('\n') == 1


def test_a_stopped_fetch_keeps_what_has_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(handler: Handler) -> None:
        handler.file_head(0)
        handler.wfile.write(DATA[:65536])
        os.kill(os.getpid(), signal.SIGINT)
        handler.setup_of.released.wait()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with serving() as server:
            server.script = [interrupt]
            words = ['--mirror', server.url, '--cache', str(tmp_path)]
            assert main(['fetch', NAME, *words]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert 'stopped; the same command goes on' in capsys.readouterr().err
    assert not (tmp_path / 'models' / find(NAME).file_name).exists()
