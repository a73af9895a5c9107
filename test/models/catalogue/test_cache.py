"""Where fetched files lie, and how parts of them are kept."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from seg_perception.files import sha256_of
from seg_perception.models.catalogue.cache import PartFile, cache_folder, locked


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ('SEG_PERCEPTION_CACHE', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', str(tmp_path))


def test_the_cache_is_where_the_first_word_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert cache_folder() == tmp_path / '.cache' / 'seg_perception' / 'models'
    monkeypatch.setenv('XDG_CACHE_HOME', '/of/the/user')
    assert cache_folder() == Path('/of/the/user/seg_perception/models')
    monkeypatch.setenv('XDG_CACHE_HOME', 'not/absolute')
    assert cache_folder() == tmp_path / '.cache' / 'seg_perception' / 'models'
    monkeypatch.setenv('SEG_PERCEPTION_CACHE', '~/of/the/package')
    assert cache_folder() == tmp_path / 'of' / 'the' / 'package' / 'models'
    assert cache_folder(Path('/chosen')) == Path('/chosen/models')
    monkeypatch.chdir(tmp_path)
    assert cache_folder(Path('here')) == tmp_path / 'here' / 'models'


def test_sha256_of_more_than_a_block(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / 'file').write_bytes(data)
    assert sha256_of(tmp_path / 'file') == hashlib.sha256(data).hexdigest()


def test_a_part_remembers_its_version(tmp_path: Path) -> None:
    part = PartFile(tmp_path / 'net.pth')
    assert part.size == 0
    with part.begin('https://a', '"one"') as file:
        file.write(b'abc')
    with part.append() as file:
        file.write(b'def')
    again = PartFile(tmp_path / 'net.pth')
    assert again.size == 6
    assert again.validator('https://a') == '"one"'
    assert again.validator('https://b') == ''
    again.finish()
    assert {path.name for path in tmp_path.iterdir()} == {'net.pth'}
    assert (tmp_path / 'net.pth').read_bytes() == b'abcdef'


@pytest.mark.parametrize('notes', ['', '[1]', '{"url": ', '\udcff'])
def test_damaged_notes_are_no_notes(tmp_path: Path, notes: str) -> None:
    part = PartFile(tmp_path / 'net.pth')
    part.begin('https://a', '"one"').close()
    (tmp_path / 'net.pth.part.json').write_bytes(notes.encode(errors='surrogateescape'))
    assert part.validator('https://a') == ''


def test_discard_removes_all(tmp_path: Path) -> None:
    part = PartFile(tmp_path / 'net.pth')
    part.begin('https://a', '"one"').close()
    part.discard()
    part.discard()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_lets_one_in_at_a_time(tmp_path: Path) -> None:
    file, order = tmp_path / 'net.pth', []
    waits = threading.Event()

    def second() -> None:
        with locked(file, waits.set):
            order.append('second')

    with locked(file, lambda: order.append('waits')):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        order.append('first')
    thread.join()
    assert order == ['first', 'second']
