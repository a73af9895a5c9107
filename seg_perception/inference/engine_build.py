"""Building in a process of its own: whatever happens there, here it is an error at most."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from seg_perception.inference.base import ModelError, Progress, RunnerError
from seg_perception.inference.build_channel import MODEL_ERROR, PARENT_VARIABLE
from seg_perception.inference.engine_folder import CancelledError

TIMEOUT_S = 7200.0

_CHECK_S = 0.1
_LAST_S = 10.0
_BLOCK = 1 << 20
_KEPT_OUTPUT = 4096


def python_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package in a process of its own."""
    return [sys.executable, '-m', module, *arguments]


def run_build(
    command: Sequence[str],
    *,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
    timeout_s: float = TIMEOUT_S,
) -> bytes:
    """Run a build command, whose process uses a `BuildChannel`, and return the engine.

    The process ends before this returns, also when it raises, and with this thread at the latest:
    it never goes on alone.

    :param progress: called in this thread.
    :param cancelled: set from another thread, it ends the build at once.
    :raises ModelError: when the builder says that the model is at fault.
    :raises RunnerError: when the builder fails, crashes, is killed or takes too long.
    :raises CancelledError: when `cancelled` was set.
    """
    environment = {
        **os.environ,
        PARENT_VARIABLE: str(os.getpid()),
        'PYTHONPATH': os.pathsep.join(filter(None, sys.path)),
    }
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    listener = _Listener(progress)
    with process:
        try:
            _listen(process, listener, cancelled or threading.Event(), timeout_s)
        except BaseException:
            process.kill()
            raise
    return listener.result(process.returncode)


def _listen(
    process: subprocess.Popen[bytes],
    listener: _Listener,
    cancelled: threading.Event,
    timeout_s: float,
) -> None:
    deadline = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout or 0, selectors.EVENT_READ, listener.hear)
        selector.register(process.stderr or 0, selectors.EVENT_READ, listener.overhear)
        while selector.get_map():
            if cancelled.is_set():
                raise CancelledError('the build was stopped')
            if time.monotonic() > deadline:
                raise RunnerError(
                    f'the build took more than {timeout_s:.0f} s and was stopped; build ahead of '
                    'time with `python3 -m seg_perception model build`, or use a smaller model'
                )
            for ready, _ in selector.select(_CHECK_S):
                block = os.read(ready.fd, _BLOCK)
                if block:
                    ready.data(block)
                else:
                    selector.unregister(ready.fileobj)
    try:
        process.wait(_LAST_S)
    except subprocess.TimeoutExpired:
        process.kill()


class _Listener:
    """Takes apart what a build process tells."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._line = bytearray()
        self._expected: int | None = None
        self._plan = bytearray()
        self._error: dict[str, Any] = {}
        self._output = b''

    def hear(self, block: bytes) -> None:
        """Take what came from its channel."""
        while block and self._expected is None:
            line, end, block = block.partition(b'\n')
            self._line += line
            if end:
                self._understand(bytes(self._line))
                self._line.clear()
        self._plan += block

    def overhear(self, block: bytes) -> None:
        """Take what it printed."""
        self._output = (self._output + block)[-_KEPT_OUTPUT:]

    def result(self, status: int) -> bytes:
        """Return the engine, or raise what went wrong."""
        if self._error:
            wrong = ModelError if self._error['error'] == MODEL_ERROR else RunnerError
            raise wrong(str(self._error.get('text')))
        if status == 0 and self._expected is not None and len(self._plan) == self._expected:
            return bytes(self._plan)
        raise RunnerError(f'the build process {_describe(status)}{self._last_words()}')

    def _understand(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise RunnerError(
                f'the build process: expected a line of JSON, got {line[:80]!r}; is the package '
                'installed twice?'
            )
        if 'bytes' in told:
            self._expected = int(told['bytes'])
        elif 'error' in told:
            self._error = told
        elif self._progress is not None:
            self._progress(float(told['share']), str(told['phase']))

    def _last_words(self) -> str:
        lines = self._output.decode(errors='replace').strip().splitlines()
        return f'; it said at last: {lines[-1]}' if lines else ''


def _describe(status: int) -> str:
    if status >= 0:
        return f'ended with status {status} and no whole engine'
    name = signal.Signals(-status).name
    why = ' (out of memory?)' if -status == signal.SIGKILL else ''
    return f'was killed by {name}{why}'
