"""The engine cache against killed processes, full disks and each other: all of it for real."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import multiprocessing.forkserver
import os
import random
import signal
import threading
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from seg_perception.inference.engine_folder import EngineFolder
from test.inference.cache_user import cache_in, key_of, use
from test.inference.processes import children_of, is_alive, wait_until_gone
from test.inference.slow_builder import slow_build

KILLS = 50
KEY = key_of('model')
WHOLE = {'.lock', f'{KEY.name}.engine', f'{KEY.name}.json'}

# Its children start with the modules loaded and without the threads of this process.
SERVER = multiprocessing.get_context('forkserver')
SERVER.set_forkserver_preload(['test.inference.cache_user'])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's cache and the temporary folder of others out of it."""
    # The server's socket lies in the temporary folder, and its path must not be longer than 107.
    multiprocessing.forkserver.ensure_running()
    for variable, name in (('SEG_PERCEPTION_CACHE', 'own'), ('TMPDIR', 'temporary')):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / name))
    monkeypatch.setattr('tempfile.tempdir', None)


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    file = tmp_path / 'payload'
    file.write_bytes(os.urandom(4 << 20))
    return file


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Users:
    """Processes that use one cache."""

    def __init__(self, folder: Path, payload: Path, tmp_path: Path) -> None:
        self.folder, self.payload, self.log = folder, payload, tmp_path / 'builders'
        self.answers: Any = SERVER.SimpleQueue()

    def start(self, seconds: float, largest_file: int | None = None) -> BaseProcess:
        command = slow_build(self.payload, seconds, log=str(self.log))
        arguments = (self.folder, 'model', command, self.answers, largest_file)
        process = SERVER.Process(target=use, args=arguments)
        process.start()
        return process

    def builders(self) -> list[int]:
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []


@pytest.fixture
def users(tmp_path: Path, payload: Path) -> Users:
    return Users(tmp_path / 'engines', payload, tmp_path)


def test_kills_at_random_points_leave_a_whole_engine_or_none(
    users: Users, payload: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Kills the builder or the process that waits for it and writes the file."""
    caplog.set_level(logging.ERROR)
    generator = random.Random(20261122)
    cache, good = cache_in(users.folder), payload.read_bytes()
    duration = 0.0
    for _ in range(2):  # the first starts the server of the processes, too
        cache.evict()
        begun = time.monotonic()
        users.start(0.05).join()
        duration = time.monotonic() - begun
        assert users.answers.get()[1:] == (hashlib.sha256(good).hexdigest(), False)
    outcomes = {'whole': 0, 'none': 0}
    for number in range(KILLS):
        cache.evict()
        user = users.start(0.05)
        assert user.pid is not None
        time.sleep(generator.uniform(0, 1.1 * duration))
        victims = [user.pid] if number % 2 else children_of(user.pid)
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
        user.join()
        for pid in users.builders():
            wait_until_gone(pid)
        plan = cache.find(KEY)
        assert plan in (None, good)
        outcomes['none' if plan is None else 'whole'] += 1
        # The lock of the killed holds up nobody.
        with EngineFolder(users.folder).locked(threading.Event(), waiting=pytest.fail):
            pass
    assert all(outcomes.values()), outcomes
    cache.evict()
    assert cache.get(KEY, lambda _: good) == (good, False)
    assert names(users.folder) == WHOLE


def test_a_disk_that_is_full_costs_the_file_only(users: Users, payload: Path) -> None:
    user = users.start(0, largest_file=payload.stat().st_size // 2)
    user.join()
    good = payload.read_bytes()
    assert users.answers.get()[1:] == (hashlib.sha256(good).hexdigest(), False)
    assert cache_in(users.folder).find(KEY) is None
    assert names(users.folder) == {'.lock'}
    assert cache_in(users.folder).get(KEY, lambda _: good) == (good, False)


def test_several_at_once_build_once(users: Users, payload: Path) -> None:
    started = [users.start(0.5) for _ in range(3)]
    for user in started:
        user.join()
    answers = [users.answers.get() for _ in started]
    assert {digest for _, digest, _ in answers} == {
        hashlib.sha256(payload.read_bytes()).hexdigest()
    }
    assert sorted(found for _, _, found in answers) == [False, True, True]
    assert len(users.builders()) == 1
    assert not any(map(is_alive, users.builders()))
