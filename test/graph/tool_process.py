"""A tool of the package in a process of its own, on the graph of the tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from test.graph.spinner import DOMAIN, wait_until

if TYPE_CHECKING:
    from typing_extensions import Self


def ros_arguments(remap: Mapping[str, str], parameters: Mapping[str, object]) -> list[str]:
    """Return the command line of a node."""
    arguments = ['--ros-args']
    for name, target in remap.items():
        arguments += ['-r', f'{name}:={target}']
    for name, value in parameters.items():
        # JSON is YAML: paths stay texts, numbers keep their type.
        text = json.dumps(value if isinstance(value, (bool, int, float)) else str(value))
        arguments += ['-p', f'{name}:={text}']
    return arguments


class ToolProcess:
    """Starts a tool; as a context manager it is killed at the end if it still runs.

    :param remap: names by names, of topics or `__ns` and `__node`.
    :param parameters: of the node.
    """

    def __init__(
        self, tool: str, remap: Mapping[str, str] | None = None, /, **parameters: object
    ) -> None:
        arguments = ros_arguments(remap or {}, parameters)
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'seg_perception', tool, *arguments],
            env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    @property
    def text(self) -> str:
        """What it said so far."""
        return ''.join(self.lines)

    def await_words(self, words: str) -> None:
        """Wait until it has said that."""
        wait_until(lambda: words in self.text, f'{words!r} in: {self.text}')

    def interrupt(self) -> None:
        """Ask it to end."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait for its end and return the exit status."""
        status = self._process.wait(60)
        self._reader.join()
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
