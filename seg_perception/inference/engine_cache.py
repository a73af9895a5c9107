"""The engine cache: an engine that was built once is found again by all it depends on."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seg_perception.files import cache_root
from seg_perception.inference.engine_folder import EngineFolder, EngineKey, Entry

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineSettings:
    """How engines are built and kept.

    :ivar folder: to keep them in; None for `engines` in the package's cache.
    :ivar limit_mib: of all engines together, in MiB; the one in use is kept whatever its size.
    :ivar tf32: whether FP32 may be multiplied with 10 bits of mantissa on GPUs that have TF32.
    :raises ValueError: when the limit is negative.
    """

    folder: Path | None = None
    limit_mib: int = 4096
    tf32: bool = False

    def __post_init__(self) -> None:
        if self.limit_mib < 0:
            raise ValueError(f'limit_mib: expected 0 MiB or more, got {self.limit_mib}')


class EngineCache:
    """Finds engines by their key, and has those built that are not there.

    Several processes may share a folder. Where one cannot be written, a folder of the user takes
    its place, with a warning; what can be kept nowhere is built and used all the same.
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        settings = settings or EngineSettings()
        own = cache_root() / 'engines'
        chosen = settings.folder.expanduser().absolute() if settings.folder else own
        self._folders = [EngineFolder(path) for path in dict.fromkeys([chosen, own])]
        self._limit = settings.limit_mib << 20

    @property
    def folder(self) -> Path:
        """Where engines are kept if that can be written."""
        return self._folders[0].path

    def find(self, key: EngineKey, *, refused: bytes | None = None) -> bytes | None:
        """Return the engine of a key, whole and unchanged, or None.

        :param refused: an engine that was found but is of no use.
        """
        for folder in self._places():
            plan = folder.read(key)
            if plan is not None and plan != refused:
                return plan
        return None

    def get(
        self,
        key: EngineKey,
        build: Callable[[Path | None], bytes],
        *,
        about: Mapping[str, Any] | None = None,
        refused: bytes | None = None,
        cancelled: threading.Event | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> tuple[bytes, bool]:
        """Return the engine of a key and whether it was found; if not, it is built and kept.

        :param build: gets a folder for notes to later builds, if any can be written. What it
            raises is passed on, and nothing is kept.
        :param about: what `entries` shall tell of it besides the key.
        :param refused: an engine that was found but is of no use.
        :param cancelled: set from another thread, it ends waiting for other processes.
        :param waiting: called when another process is building, here or for another key.
        :raises CancelledError: when `cancelled` was set while waiting.
        """
        cancelled = cancelled or threading.Event()
        if (plan := self.find(key, refused=refused)) is not None:
            return plan, True
        places = self._places()
        with ExitStack() as held:
            folder = _lock_next(places, held, cancelled, waiting)
            # While this process waited for the lock, another may have built it.
            if folder is not None and (plan := self.find(key, refused=refused)) is not None:
                return plan, True
            plan = build(folder.path if folder else None)
            while folder is not None:
                if self._write(folder, key, plan, about or {}):
                    return plan, False
                folder = _lock_next(places, held, cancelled)
        _log.warning('the engine can be kept nowhere and will be built again by the next start')
        return plan, False

    def locate(self, key: EngineKey) -> Entry | None:
        """Return where the engine of a key is kept."""
        entries = (entry for folder in self._places() for entry in folder.entries())
        return next((entry for entry in entries if entry.key == key), None)

    def entries(self) -> list[Entry]:
        """Return what is kept in `folder`, the engine used last first."""
        return self._folders[0].entries()

    def evict(self, names: Iterable[str] | None = None) -> list[Entry]:
        """Remove the engines of these file names from `folder`, or all; returns what was removed.

        Engines that run go on: they are in memory.

        :raises ValueError: when there is no engine of a name.
        :raises OSError: when the folder cannot be written.
        """
        entries = self.entries()
        if names is not None:
            wanted = set(names)
            if unknown := sorted(wanted - {entry.file.name for entry in entries}):
                raise ValueError(
                    f'expected names of engines in {self.folder}, got {", ".join(unknown)}; '
                    'list them first'
                )
            entries = [entry for entry in entries if entry.file.name in wanted]
        for entry in entries:
            self._folders[0].remove(entry)
        return entries

    def _places(self) -> Iterator[EngineFolder]:
        yield from self._folders
        private = Path(tempfile.gettempdir()) / f'seg_perception-{os.getuid()}'
        if _is_private(private):
            yield EngineFolder(private)

    def _write(
        self, folder: EngineFolder, key: EngineKey, plan: bytes, about: Mapping[str, Any]
    ) -> bool:
        try:
            file = folder.write(key, plan, about)
            for entry in folder.shrink(self._limit, keep=file):
                _log.info('%s: removed to make room', entry.file)
        except OSError as error:
            _log.warning('%s: the engine cannot be kept here: %s', folder.path, error)
            return False
        return True


def _lock_next(
    places: Iterator[EngineFolder],
    held: ExitStack,
    cancelled: threading.Event,
    waiting: Callable[[], None] | None = None,
) -> EngineFolder | None:
    """Lock the next folder that can be written, until `held` is closed; None if there is none."""
    for folder in places:
        try:
            held.enter_context(folder.locked(cancelled, waiting))
        except OSError as error:
            _log.warning('%s: engines cannot be kept here: %s', folder.path, error)
        else:
            return folder
    return None


def _is_private(folder: Path) -> bool:
    """Make a folder where anybody may make one, and return whether it is nobody else's.

    An engine has code in it: one from a stranger must not be run.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return False
    own = facts.st_uid == os.getuid() and not facts.st_mode & 0o022
    return own and stat.S_ISDIR(facts.st_mode)
