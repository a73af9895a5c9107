"""Child processes that are started together and all gone at the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import final

_AFTER_SIGTERM_S = 3.0
_AFTER_SIGKILL_S = 5.0
_TAIL_LINES = 12
_POLL_S = 0.1


class ProcessError(RuntimeError):
    """A child ended that should not have; the text has its last words."""


@dataclass(frozen=True)
class Child:
    """A running child and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    patience: float
    """Seconds that it is given to end after SIGINT."""

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs; negative when a signal ended it."""
        return self.process.poll()

    def last_words(self) -> str:
        """Return the end of its log, or what is known without one."""
        lines = self.log.read_text(encoding='utf-8', errors='replace').splitlines()
        return '\n'.join(f'  {line}' for line in lines[-_TAIL_LINES:]) or '  (it said nothing)'


@final
class Children:
    """Starts children and, at the latest when it is left, ends all of them.

    Each has a session of its own: a Ctrl-C reaches only us, and we end them in a good order.

    :param logs: an existing folder for the children's output, one file each.
    :param environment: all environment variables of the children.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._children: list[Child] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._children:
            self.stop(self._children[-1])

    def start(
        self, name: str, command: list[str], *, show: bool = False, patience: float = 10.0
    ) -> Child:
        """Start a child.

        :param show: its standard output goes where ours goes, and only its errors to the log.
        :param patience: seconds that it is given to end after SIGINT.
        """
        log = self._logs / f'{name}.log'
        with log.open('wb') as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=None if show else file,
                stderr=file if show else subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        child = Child(name, process, log, patience)
        self._children.append(child)
        return child

    def wait(self, child: Child, until: Callable[[], bool]) -> bool:
        """Wait until a child ends (True) or `until` says so (False).

        :raises ProcessError: when it ends with an error, or another one ends at all.
        """
        while not until():
            for other in self._children:
                if other.status is not None and (other is not child or other.status != 0):
                    raise ProcessError(
                        f'{other.name} ended early with exit status {other.status}; '
                        f'its last words:\n{other.last_words()}'
                    )
            if child.status is not None:
                return True
            time.sleep(_POLL_S)
        return False

    def kill(self, child: Child) -> None:
        """End a child as a crash or a lack of memory does, without a chance to say good-bye."""
        child.process.kill()
        self.stop(child)

    def stop(self, child: Child) -> int:
        """End a child, politely at first, forget it and return its exit status.

        :raises ProcessError: when nothing ends it.
        """
        self._children.remove(child)
        for number, patience in (
            (signal.SIGINT, child.patience),
            (signal.SIGTERM, _AFTER_SIGTERM_S),
            (signal.SIGKILL, _AFTER_SIGKILL_S),
        ):
            if child.status is None:
                child.process.send_signal(number)
            try:
                return child.process.wait(patience)
            except subprocess.TimeoutExpired:
                print(f'{child.name} does not react to {number.name}', file=sys.stderr)
        raise ProcessError(f'{child.name} (process {child.process.pid}) cannot be ended')
