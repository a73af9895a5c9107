"""One folder of engines: each a file that is named by its key, with a JSON beside it.

An engine counts only if its JSON is there, has the whole key and the sha256 of what lies in the
engine's file. So whatever a killed process, a full disk or a copying person leaves behind is either
a whole engine of that key or none.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from seg_perception.inference.base import RunnerError

# To be raised when the package builds other engines from the same key.
BUILDER = '1'

_ENGINE, _RECORD, _DRAFT, _LOCK = '.engine', '.json', '.draft', '.lock'
_LOCK_CHECK_S = 0.1

_log = logging.getLogger(__name__)


class CancelledError(RunnerError):
    """The engine is not wanted any more."""


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on. Two engines with one key may stand in for each other.

    :ivar model_sha256: of the model file.
    :ivar precision: of the model file: fp32, fp16, int8.
    :ivar shape: of the input, N x H x W x 3; a dynamic N with its least and largest.
    :ivar calibration: sha256 of what the model file tells of its calibration; empty if nothing.
    :ivar options: how it is built, as canonical JSON.
    :ivar runtime: such as 'tensorrt'.
    :ivar version: of the runtime.
    :ivar machine: of the processor, such as 'x86_64'.
    :ivar gpu: its name; empty for engines that are built for GPUs elsewhere.
    :ivar compute_capability: of the GPU, or those it is built for.
    :ivar builder: version of what this package does to the model.
    """

    model_sha256: str
    precision: str
    shape: str
    calibration: str
    options: str
    runtime: str
    version: str
    machine: str
    gpu: str
    compute_capability: str
    builder: str = BUILDER

    @property
    def name(self) -> str:
        """The name of its files: a part to read, and a hash of all of it."""
        text = json.dumps(asdict(self), sort_keys=True)
        readable = f'{self.runtime}-{self.version}-sm{self.compute_capability}-{self.precision}'
        readable = re.sub(r'[^\w.+-]+', '_', readable)[:96]
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f'{readable}-{self.model_sha256[:8]}-{digest[:24]}'


@dataclass(frozen=True)
class Entry:
    """An engine in a folder.

    :ivar about: what people want to know of it; no part of the key.
    :ivar size: of its file, bytes.
    :ivar built: date and time (ISO 8601, UTC).
    :ivar used: when it was taken last, s since 1970.
    """

    file: Path
    key: EngineKey
    about: Mapping[str, Any]
    size: int
    built: str
    used: float


class EngineFolder:
    """Reads and writes the engines in a folder, which is made when it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, key: EngineKey) -> bytes | None:
        """Return the engine of a key and note that it was used; None if there is no good one."""
        record, engine = self._files(key)
        told = _read_record(record)
        try:
            plan = engine.read_bytes()
        except OSError:
            return None
        if told is None or told.get('key') != asdict(key):
            _log.warning('%s: is not what its name says and is built anew', engine)
            return None
        if told.get('sha256') != hashlib.sha256(plan).hexdigest():
            _log.warning('%s: is damaged and is built anew', engine)
            return None
        with suppress(OSError):  # a folder that cannot be written still serves
            os.utime(record)
        return plan

    @contextmanager
    def locked(
        self, cancelled: threading.Event, waiting: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Hold the folder against other processes: one builds at a time, and nobody twice.

        The lock ends with the process that holds it, however that ends.

        :param waiting: called when another has it.
        :raises OSError: when the folder cannot be written.
        :raises CancelledError: when `cancelled` was set while another had it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open('ab') as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if waiting is not None:
                        waiting()
                        waiting = None
                    if cancelled.wait(_LOCK_CHECK_S):
                        raise CancelledError('stopped while another process was building') from None
            yield

    def write(self, key: EngineKey, plan: bytes, about: Mapping[str, Any]) -> Path:
        """Keep an engine; only within `locked`. It is there as a whole or not at all.

        :raises OSError: when the folder cannot be written or is full.
        """
        for leftover in self.path.glob(f'*{_DRAFT}'):
            leftover.unlink(missing_ok=True)
        record, engine = self._files(key)
        told = {
            'key': asdict(key),
            'sha256': hashlib.sha256(plan).hexdigest(),
            'built': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            'about': dict(about),
        }
        _write_whole(engine, plan)
        _write_whole(record, json.dumps(told, indent=2).encode())
        return engine

    def entries(self) -> list[Entry]:
        """Return the engines that have a JSON, the one used last first."""
        entries = []
        for record in self.path.glob(f'*{_RECORD}'):
            told, engine = _read_record(record) or {}, record.with_suffix(_ENGINE)
            with suppress(OSError, KeyError, TypeError, ValueError):
                entries.append(
                    Entry(
                        file=engine,
                        key=EngineKey(**told['key']),
                        about=dict(told['about']),
                        size=engine.stat().st_size,
                        built=str(told['built']),
                        used=record.stat().st_mtime,
                    )
                )
        return sorted(entries, key=lambda entry: entry.used, reverse=True)

    def remove(self, entry: Entry) -> None:
        """Remove an engine, if it is there.

        :raises OSError: when the folder cannot be written.
        """
        entry.file.with_suffix(_RECORD).unlink(missing_ok=True)
        entry.file.unlink(missing_ok=True)

    def shrink(self, limit: int, *, keep: Path) -> list[Entry]:
        """Remove halves of pairs of files, and beyond `limit` bytes what is unused longest.

        Only within `locked`: what is being written has no JSON yet.

        :param keep: the file that is needed now; it stays.
        """
        entries = self.entries()
        known = {entry.file for entry in entries}
        for file in [*self.path.glob(f'*{_ENGINE}'), *self.path.glob(f'*{_RECORD}')]:
            if file.with_suffix(_ENGINE) not in known:
                file.unlink(missing_ok=True)
        total = sum(entry.size for entry in entries)
        removed = []
        for entry in reversed(entries):
            if total > limit and entry.file != keep:
                self.remove(entry)
                total -= entry.size
                removed.append(entry)
        return removed

    def _files(self, key: EngineKey) -> tuple[Path, Path]:
        return self.path / f'{key.name}{_RECORD}', self.path / f'{key.name}{_ENGINE}'


def _read_record(file: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _write_whole(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=_DRAFT)
    draft = Path(name)
    try:
        with os.fdopen(handle, 'wb') as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)  # what one user built serves the others
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
