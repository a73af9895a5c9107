from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seg_perception.demo.processes import Child, Children, ProcessError

POLITE = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
print('ready', flush=True)
signal.pause()
"""
STUBBORN = """
import signal
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print('ready', flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def children(tmp_path: Path) -> Children:
    return Children(tmp_path, os.environ)


def python(children: Children, code: str, **options: float) -> Child:
    return children.start('child', [sys.executable, '-c', code], **options)  # type: ignore[arg-type]


def until_ready(child: Child) -> None:
    wait_for(lambda: 'ready' in child.log.read_text())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(child: Child) -> bool:
    """Tell whether the process is ended and reaped."""
    try:
        os.kill(child.process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_child_is_asked_to_end_and_its_status_is_told(children: Children) -> None:
    with children:
        child = python(children, POLITE)
        until_ready(child)
        assert children.stop(child) == 7
        assert is_gone(child)


def test_a_child_that_does_not_listen_is_killed(
    children: Children, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr('seg_perception.demo.processes._AFTER_SIGTERM_S', 0.2)
    with children:
        child = python(children, STUBBORN, patience=0.2)
        until_ready(child)
        assert children.stop(child) == -signal.SIGKILL
    assert 'child does not react to SIGINT' in capsys.readouterr().err


def test_leaving_ends_all_children_whatever_happened(children: Children) -> None:
    with pytest.raises(ZeroDivisionError), children:  # noqa: PT012
        started = [python(children, POLITE) for _ in range(2)]
        1 / 0  # noqa: B018
    assert all(is_gone(child) for child in started)


def test_a_child_that_dies_is_told_with_its_last_words(children: Children) -> None:
    with children:
        living = python(children, POLITE)
        children.start(
            'dying', [sys.executable, '-c', 'print("no such model"); raise SystemExit(3)']
        )
        with pytest.raises(ProcessError, match=r'dying ended .* status 3.*\n  no such model'):
            children.wait(living, until=lambda: False)
    assert is_gone(living)


def test_waiting_ends_with_the_child_or_with_the_condition(children: Children) -> None:
    with children:
        assert children.wait(python(children, 'pass'), until=lambda: False)
    with children:
        assert not children.wait(python(children, POLITE), until=lambda: True)


def test_children_have_the_environment_and_no_terminal_of_ours(tmp_path: Path) -> None:
    with Children(tmp_path, {**os.environ, 'COLOUR': 'green'}) as children:
        code = 'import os, sys; print(os.environ["COLOUR"], os.getsid(0), repr(sys.stdin.read()))'
        child = python(children, code)
        wait_for(lambda: child.status is not None)
        assert child.log.read_text().split() == ['green', str(child.process.pid), "''"]
