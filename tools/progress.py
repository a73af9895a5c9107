"""Run a long command with one line on the screen, its output in a log, and its errors in sight."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

SHOWN_ON_FAILURE = 40


class CommandError(Exception):
    """A command failed; the message holds the end of its output."""


def run(
    command: Sequence[str | Path],
    label: str,
    *,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command, adding its output to `log`.

    On a terminal the line shows what the command is doing; elsewhere only the label and the time.

    :param environment: all environment variables for it; those of this process if None.
    :raises CommandError: when it cannot be started or ends with another status than 0.
    """
    live = sys.stdout.isatty()
    print(label, end='' if live else ' …\n', flush=True)
    start = time.monotonic()
    tail: deque[str] = deque(maxlen=SHOWN_ON_FAILURE)
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = environment or os.environ
    program = shutil.which(command[0], path=environment.get('PATH'))
    if program is None:
        raise CommandError(f'{label}: {command[0]} not found')
    process = subprocess.Popen(
        [program, *command[1:]],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
    )
    with process, log.open('a') as file:
        print(f'$ {" ".join(map(str, command))}', file=file, flush=True)
        try:
            for line in process.stdout or ():
                file.write(line)
                tail.append(line.rstrip())
                if live and line.strip():
                    width = max(20, shutil.get_terminal_size().columns - len(label) - 3)
                    print(f'\r\033[K{label}: {line.strip()[:width]}', end='', flush=True)
        except KeyboardInterrupt:
            # Nothing may go on writing behind the back of the next call.
            process.terminate()
            process.wait()
            raise
    seconds = time.monotonic() - start
    if live:
        print('\r\033[K', end='')
    if process.returncode != 0:
        output = '\n'.join(tail)
        raise CommandError(f'{label} failed after {seconds:.0f} s:\n{output}\n(all of it: {log})')
    print(f'{label}: done in {seconds:.0f} s', flush=True)
