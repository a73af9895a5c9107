"""The cache: where fetched files lie, whole ones under their own name, pieces as `.part`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from seg_perception.files import cache_root


def cache_folder(chosen: Path | None = None) -> Path:
    """Return the folder of fetched models: `models` in the package's cache; it need not exist."""
    return cache_root(chosen) / 'models'


@contextlib.contextmanager
def locked(file: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file in the cache; calls `waiting` when another process has it.

    The lock ends with the process that holds it, however that ends.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(file.with_name(f'.{file.name}.lock'))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class PartFile:
    """The first bytes of a file that is being fetched, and what tells whether they are still good.

    :param final: path of the whole file; the part lies beside it.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f'{final.name}.part')
        self._notes = final.with_name(f'{final.name}.part.json')

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self, url: str) -> str:
        """Return the server's mark (ETag or date) of the version they are of, '' if unknown."""
        try:
            notes = json.loads(self._notes.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return ''
        known = isinstance(notes, Mapping) and notes.get('url') == url
        return str(notes.get('validator', '')) if known else ''

    def begin(self, url: str, validator: str) -> BinaryIO:
        """Open an empty part for a version of the file."""
        self.discard()
        notes = json.dumps({'url': url, 'validator': validator})
        self._notes.write_text(notes, encoding='utf-8')
        return self.path.open('wb')

    def append(self) -> BinaryIO:
        """Open the part to write on at its end."""
        return self.path.open('ab')

    def discard(self) -> None:
        """Remove the part and what is known of it."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the part its final name, in one step and only once it is on the disk."""
        with self.path.open('rb+') as file:
            os.fsync(file.fileno())
        self.path.replace(self.final)
        self._notes.unlink(missing_ok=True)
