"""Builds in processes of their own; what happens to these, and that they never stay behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.engine_build import run_build
from seg_perception.inference.engine_folder import CancelledError
from test.inference.processes import wait_until_gone
from test.inference.slow_builder import slow_build

ROOT = Path(__file__).parents[2]


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    file = tmp_path / 'payload'
    file.write_bytes(os.urandom(3 << 20) + b'{"bytes": 1}\n' * 9)
    return file


def pids(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def test_the_engine_comes_through_unchanged_and_progress_is_told(payload: Path) -> None:
    told: list[tuple[float, str]] = []
    plan = run_build(slow_build(payload), progress=lambda share, phase: told.append((share, phase)))
    assert plan == payload.read_bytes()
    assert told[0] == (0.0, 'building')
    assert told[-1] == (1.0, 'done')
    assert all(before <= after for (before, _), (after, _) in pairwise(told))


def test_an_empty_engine_is_an_engine_of_no_bytes(tmp_path: Path) -> None:
    (tmp_path / 'empty').touch()
    assert run_build(slow_build(tmp_path / 'empty')) == b''


@pytest.mark.parametrize(
    ('wrong', 'error', 'sentence'),
    [
        ({'model': 'the model is at fault'}, ModelError, '^the model is at fault$'),
        ({'runner': 'it cannot be run'}, RunnerError, '^it cannot be run$'),
        ({'kill': signal.SIGKILL}, RunnerError, r'killed by SIGKILL \(out of memory\?\)'),
        ({'kill': signal.SIGSEGV}, RunnerError, 'was killed by SIGSEGV'),
        ({'kill': signal.SIGINT}, RunnerError, 'was killed by SIGINT'),
        ({'status': 3}, RunnerError, 'ended with status 3 .*; it said at last: the last words'),
        ({'status': 0}, RunnerError, 'ended with status 0 and no whole engine'),
    ],
    ids=str,
)
def test_what_goes_wrong_there_is_an_error_here(
    payload: Path, wrong: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        run_build(slow_build(payload, **wrong))


def test_what_is_no_builder_is_told() -> None:
    with pytest.raises(RunnerError, match="expected a line of JSON, got b'hello'"):
        run_build([sys.executable, '-c', 'print("hello")'])
    with pytest.raises(RunnerError, match=r'expected a line of JSON, got b.\[1\]'):
        run_build([sys.executable, '-c', 'print([1])'])
    half = 'print("{\\"bytes\\": 9}\\nhalf", end="")'
    with pytest.raises(RunnerError, match='no whole engine'):
        run_build([sys.executable, '-c', half])


def test_a_build_that_takes_too_long_is_stopped(payload: Path, tmp_path: Path) -> None:
    log = tmp_path / 'log'
    with pytest.raises(RunnerError, match='took more than 1 s and was stopped; build ahead'):
        run_build(slow_build(payload, 600, log=str(log)), timeout_s=1)
    assert not any(Path(f'/proc/{pid}').exists() for pid in pids(log))


def test_a_build_can_be_stopped(payload: Path, tmp_path: Path) -> None:
    log, cancelled = tmp_path / 'log', threading.Event()
    with pytest.raises(CancelledError):
        run_build(
            slow_build(payload, 600, log=str(log)),
            progress=lambda *_: cancelled.set(),
            cancelled=cancelled,
        )
    assert not any(Path(f'/proc/{pid}').exists() for pid in pids(log))


def test_an_error_of_the_listener_ends_the_build(payload: Path, tmp_path: Path) -> None:
    log = tmp_path / 'log'

    def fail(_share: float, _phase: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_build(slow_build(payload, 600, log=str(log)), progress=fail)
    assert not any(Path(f'/proc/{pid}').exists() for pid in pids(log))


def test_a_killed_parent_leaves_no_orphan_and_the_builder_gives_way(
    payload: Path, tmp_path: Path
) -> None:
    log = tmp_path / 'log'
    script = (
        'import sys\n'
        'from seg_perception.inference.engine_build import run_build\n'
        f'run_build({slow_build(payload, 600, log=str(log))!r},\n'
        '          progress=lambda *_: print("on it", flush=True))\n'
    )
    parent = subprocess.Popen([sys.executable, '-c', script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b'on it\n'
    (pid,) = pids(log)
    assert Path(f'/proc/{pid}/oom_score_adj').read_text() == '1000\n'
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(pid)


def test_a_builder_whose_parent_ended_first_does_nothing(payload: Path, tmp_path: Path) -> None:
    log = tmp_path / 'log'
    answer = subprocess.run(
        slow_build(payload, 600, log=str(log)),
        cwd=ROOT,
        env={**os.environ, 'SEG_PERCEPTION_BUILD_PARENT': '1'},
        capture_output=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (1, b'')
    assert not log.exists()
