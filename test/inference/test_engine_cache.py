"""What the engine cache finds, keeps, refuses and removes."""

from __future__ import annotations

import os
import random
import shutil
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest

from seg_perception.inference.base import RunnerError
from seg_perception.inference.engine_cache import EngineCache, EngineSettings
from seg_perception.inference.engine_folder import CancelledError, EngineFolder, EngineKey
from test.inference.cache_user import cache_in, key_of

KEY = key_of('model')


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's cache and the temporary folder of others out of it."""
    for variable, name in (('SEG_PERCEPTION_CACHE', 'own'), ('TMPDIR', 'temporary')):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / name))
    monkeypatch.setattr('tempfile.tempdir', None)
    return tmp_path / 'own' / 'engines'


def never(_: Path | None) -> bytes:
    raise AssertionError('is not to be built')


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def whole(key: EngineKey = KEY) -> set[str]:
    return {'.lock', f'{key.name}.engine', f'{key.name}.json'}


def test_an_engine_is_built_once_and_found_by_later_caches(tmp_path: Path) -> None:
    built: list[Path | None] = []

    def build(notes: Path | None) -> bytes:
        built.append(notes)
        return b'engine'

    folder = tmp_path / 'new' / 'engines'
    assert cache_in(folder).find(KEY) is None
    assert not folder.exists()
    assert cache_in(folder).get(KEY, build, about={'model': 'net'}) == (b'engine', False)
    assert cache_in(folder).get(KEY, never) == (b'engine', True)
    assert built == [folder]
    assert names(folder) == whole()
    (entry,) = cache_in(folder).entries()
    assert (entry.key, entry.about, entry.size) == (KEY, {'model': 'net'}, 6)
    assert cache_in(folder).locate(KEY) == entry
    assert cache_in(folder).locate(key_of('other')) is None
    # What one user built serves the others.
    assert entry.file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize('part', [field.name for field in fields(EngineKey)])
def test_each_part_of_the_key_makes_another_engine(tmp_path: Path, part: str) -> None:
    other = replace(KEY, **{part: 'x'})
    assert other.name != KEY.name
    cache = cache_in(tmp_path / 'engines')
    assert cache.get(KEY, lambda _: b'one') == (b'one', False)
    assert cache.find(other) is None
    # Not even under the other's name.
    for suffix in ('engine', 'json'):
        file = cache.folder / f'{KEY.name}.{suffix}'
        shutil.copy(file, cache.folder / f'{other.name}.{suffix}')
    assert cache.find(other) is None
    assert cache.get(other, lambda _: b'two') == (b'two', False)
    assert (cache.find(KEY), cache.find(other)) == (b'one', b'two')


def test_names_can_be_file_names() -> None:
    wild = replace(KEY, runtime='../a b', version='1/2', compute_capability='8.6 8.9 ' * 40)
    assert '/' not in wild.name
    assert ' ' not in wild.name
    assert len(wild.name) < 200


@pytest.mark.parametrize('suffix', ['engine', 'json'])
def test_flipped_bytes_are_found(tmp_path: Path, suffix: str) -> None:
    generator = random.Random(7)
    plan = generator.randbytes(5000)
    cache = cache_in(tmp_path / 'engines')
    cache.get(KEY, lambda _: plan)
    file = cache.folder / f'{KEY.name}.{suffix}'
    good = file.read_bytes()
    for _ in range(100):
        damaged = bytearray(good)
        place = generator.randrange(len(good))
        damaged[place] ^= 1 << generator.randrange(8)
        file.write_bytes(damaged)
        # What people are told in the JSON is not what the engine depends on.
        assert cache.find(KEY) in ((None,) if suffix == 'engine' else (None, plan))
    for damage in (b'', good[: len(good) // 2], good + b'x', b'[' * 99999):
        file.write_bytes(damage)
        assert cache.find(KEY) is None
        assert cache.get(KEY, lambda _: plan) == (plan, False)
        assert cache.get(KEY, never) == (plan, True)
    assert names(cache.folder) == whole()


@pytest.mark.parametrize('suffix', ['engine', 'json'])
def test_half_of_a_pair_is_nothing(tmp_path: Path, suffix: str) -> None:
    cache = cache_in(tmp_path / 'engines')
    cache.get(KEY, lambda _: b'engine')
    (cache.folder / f'{KEY.name}.{suffix}').unlink()
    assert cache.find(KEY) is None
    cache.get(key_of('other'), lambda _: b'other')
    assert names(cache.folder) == whole(key_of('other'))


def test_a_refused_engine_is_built_anew(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / 'engines')
    cache.get(KEY, lambda _: b'of an old driver')
    assert cache.get(KEY, lambda _: b'new', refused=b'of an old driver') == (b'new', False)
    # Another process, which was refused the old one too, gets the new one.
    assert cache.get(KEY, never, refused=b'of an old driver') == (b'new', True)


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(_: Path | None) -> bytes:
        raise RunnerError('cannot be built')

    cache = cache_in(tmp_path / 'engines')
    with pytest.raises(RunnerError, match='cannot be built'):
        cache.get(KEY, fail)
    assert names(cache.folder) == {'.lock'}
    assert cache.get(KEY, lambda _: b'engine') == (b'engine', False)


def test_a_folder_that_cannot_be_written_is_replaced_by_the_users(
    tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / 'file').touch()
    chosen = cache_in(tmp_path / 'file' / 'engines')
    assert chosen.get(KEY, lambda _: b'engine') == (b'engine', False)
    assert 'file/engines: engines cannot be kept here: ' in caplog.text
    assert names(own_cache) == whole()
    assert chosen.get(KEY, never) == (b'engine', True)
    assert EngineCache().get(KEY, never) == (b'engine', True)
    assert chosen.locate(KEY) == EngineCache().entries()[0]


def test_last_comes_a_private_folder_that_nobody_else_can_write(
    tmp_path: Path, own_cache: Path
) -> None:
    own_cache.touch()
    chosen = cache_in(own_cache)
    private = tmp_path / 'temporary' / f'seg_perception-{os.getuid()}'
    assert chosen.get(KEY, lambda _: b'engine') == (b'engine', False)
    assert names(private) == whole()
    assert private.stat().st_mode & 0o777 == 0o700
    assert chosen.get(KEY, never) == (b'engine', True)
    private.chmod(0o777)
    assert chosen.find(KEY) is None
    shutil.move(private, tmp_path / 'elsewhere')
    private.symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'elsewhere').chmod(0o700)
    assert chosen.find(KEY) is None


def test_a_folder_that_can_only_be_read_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_in(tmp_path / 'engines')
    cache.get(KEY, lambda _: b'engine')

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, 'utime', refuse)
    assert cache.get(KEY, never) == (b'engine', True)


def test_the_engines_unused_longest_make_room(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / 'engines', limit_mib=3)
    keys = [key_of(name) for name in 'abcd']
    for age, key in enumerate(keys[:3]):
        cache.get(key, lambda _: b'x' * (1 << 20))
        os.utime(cache.folder / f'{key.name}.json', (1e9 - age, 1e9 - age))
    assert [entry.key for entry in cache.entries()] == keys[:3]
    assert cache.find(keys[2]) is not None  # unused longest, until now
    cache.get(keys[3], lambda _: b'x' * (1 << 20))
    assert [cache.find(key) is not None for key in keys] == [True, False, True, True]
    # One that is larger than all that is allowed is still kept while it is needed.
    large = key_of('large')
    assert cache.get(large, lambda _: b'x' * (4 << 20))[1] is False
    assert [entry.key for entry in cache.entries()] == [large]


def test_engines_are_removed_by_name_or_all(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / 'engines')
    keys = [key_of(name) for name in 'abc']
    for key in keys:
        cache.get(key, lambda _: b'engine')
    assert [entry.key for entry in cache.evict([f'{keys[1].name}.engine'])] == [keys[1]]
    assert {entry.key for entry in cache.entries()} == {keys[0], keys[2]}
    with pytest.raises(ValueError, match=r'names of engines in .*, got nothing\.engine; list'):
        cache.evict([f'{keys[0].name}.engine', 'nothing.engine'])
    assert len(cache.evict()) == 2
    assert cache.entries() == cache.evict() == []
    assert names(cache.folder) == {'.lock'}


def test_negative_limits_are_refused() -> None:
    with pytest.raises(ValueError, match='limit_mib: expected 0 MiB or more, got -1'):
        EngineSettings(limit_mib=-1)


def test_waiting_for_another_is_told_and_can_be_stopped(tmp_path: Path) -> None:
    cache, told, cancelled = cache_in(tmp_path / 'engines'), threading.Event(), threading.Event()

    def waiting() -> None:
        told.set()
        cancelled.set()

    with EngineFolder(cache.folder).locked(threading.Event()), pytest.raises(CancelledError):
        cache.get(KEY, never, waiting=waiting, cancelled=cancelled)
    assert told.is_set()
