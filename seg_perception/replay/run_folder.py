"""A run on disk: a recording of the outputs, `run.json` about it, `frames.jsonl` a line a frame."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seg_perception.replay.bag_writer import BagFile

ABOUT, ROWS = 'run.json', 'frames.jsonl'

_FORMAT = 1


class RunError(ValueError):
    """A folder holds no run, or another one than is to go on."""


@dataclass
class RunState:
    """How far a run is, which is what another process needs to go on with it.

    :ivar taken: frames that were taken from the input.
    :ivar row_bytes: of `frames.jsonl` that belong to the finished files.
    """

    taken: int = 0
    row_bytes: int = 0
    files: list[BagFile] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0


class RunFolder:
    """The folder of a run while it is written.

    A file of the recording, the lines of its frames and the state after them become valid all at
    once, when `run.json` is replaced: a process that is killed leaves a run that can go on.

    :param settings: what the outputs depend on, as JSON has it; a run goes on only with the same.
    :raises RunError: when the folder holds something else, another run or a complete one.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self._settings = json.loads(json.dumps(settings))
        self.state = RunState()
        about = path / ABOUT
        if about.is_file():
            self._continue(load_about(path))
        elif path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f'{path}: expected a new folder or a run that can go on, got another')
        path.mkdir(parents=True, exist_ok=True)
        with (path / ROWS).open('ab') as rows:
            rows.truncate(self.state.row_bytes)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield what is known of the frames so far."""
        return _rows(self.path, self.state.row_bytes)

    def commit(self, rows: Sequence[dict[str, Any]], about: dict[str, Any], status: str) -> None:
        """Make the finished files, the rows of their frames and the state valid.

        :param about: more to be told in `run.json`.
        """
        with (self.path / ROWS).open('ab') as file:
            file.writelines(json.dumps(row).encode() + b'\n' for row in rows)
            file.flush()
            os.fsync(file.fileno())
            self.state.row_bytes = file.tell()
        content = {
            'format': _FORMAT,
            'status': status,
            **about,
            'settings': self._settings,
            'state': asdict(self.state),
        }
        part = self.path / f'{ABOUT}.part'
        part.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
        part.replace(self.path / ABOUT)

    def _continue(self, about: dict[str, Any]) -> None:
        if about['status'] == 'complete':
            raise RunError(f'{self.path} holds a complete run: remove it or choose another folder')
        for name in {*self._settings, *about['settings']}:
            mine, its = self._settings.get(name), about['settings'].get(name)
            if mine != its:
                raise RunError(
                    f'{self.path} holds a run with {name} {its!r}, this one has {mine!r}: '
                    'go on with the same, remove it or choose another folder'
                )
        state = about['state']
        files = [BagFile(**file) for file in state.pop('files')]
        self.state = RunState(**state, files=files)
        for file in self.path.glob('*.mcap'):
            if file.name not in {finished.name for finished in files}:
                file.unlink()


@dataclass(frozen=True)
class Run:
    """A run that was made.

    :ivar about: the content of `run.json`.
    """

    path: Path
    about: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Read a run.

        :raises RunError: when the folder holds none.
        """
        path = Path(path).expanduser()
        return cls(path, load_about(path))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield what is known of each frame, in the order of the input."""
        return _rows(self.path, int(self.about['state']['row_bytes']))


def load_about(path: Path) -> dict[str, Any]:
    """Read the `run.json` of a folder.

    :raises RunError: when there is none, or none that is understood.
    """
    try:
        about = json.loads((path / ABOUT).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise RunError(
            f'{path}: expected the folder of a run, with {ABOUT} ({error}); make one with '
            '`python3 -m seg_perception replay run`'
        ) from error
    if not isinstance(about, dict) or about.get('format') != _FORMAT:
        raise RunError(f'{path / ABOUT}: expected format {_FORMAT}; make the run again')
    return about


def _rows(path: Path, size: int) -> Iterator[dict[str, Any]]:
    with (path / ROWS).open('rb') as file:
        while file.tell() < size:
            yield json.loads(file.readline())
