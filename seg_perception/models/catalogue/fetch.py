"""Fetching: a published file into the cache, whole and checked or not at all."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from seg_perception.files import sha256_of
from seg_perception.models.catalogue.cache import PartFile, locked
from seg_perception.models.catalogue.catalogue import Entry
from seg_perception.models.catalogue.transfer import (
    FetchError,
    Session,
    TransferError,
    check_url,
    extend,
    shown,
)

_PROGRESS = 1 << 16


@dataclass(frozen=True)
class Options:
    """How to fetch.

    :param mirror: base URL to take in place of the source's; '' for the source's.
    :param offline: use the network for nothing.
    :param tries: requests in a row that may bring nothing before giving up.
    :param backoff: seconds before the second of them; doubled with each further one.
    :param longest_wait: seconds that no wait exceeds; a server that asks for more is given up.
    :param connect_timeout: seconds to wait for a connection.
    :param stall_timeout: seconds to wait for the next bytes.
    """

    mirror: str = ''
    offline: bool = False
    tries: int = 5
    backoff: float = 1.0
    longest_wait: float = 60.0
    connect_timeout: float = 10.0
    stall_timeout: float = 30.0


def tell(text: str) -> None:
    """Print a line beside the progress bar."""
    tqdm.write(text, file=sys.stderr)


def fetch(
    entry: Entry,
    folder: Path,
    options: Options | None = None,
    say: Callable[[str], None] = tell,
) -> Path:
    """Return the entry's file in `folder`; fetches it where it is missing or not as published.

    The file gets its name only once all of it is on the disk and its sha256 begins as published.
    Until then it is a `.part`, from which the next call goes on. One process at a time fetches a
    file, others wait.

    :param say: is told what a person should know meanwhile.
    :raises FetchError: when the file cannot be had; the message tells how to mend it.
    """
    options = options or Options()
    final = folder / entry.file_name
    by_hand = f'or put it by other means at {final}'
    try:
        if _is_whole(entry, final, say):
            return final
        if not options.offline:
            _fetch(entry, final, options, say)
            return final
    except FetchError as error:
        raise FetchError(f'{error}, {by_hand}') from error
    except OSError as error:
        raise FetchError(
            f'expected to write {final}, got: {error.strerror or error}; make room there or choose '
            'another folder with --cache'
        ) from error
    raise FetchError(
        f'expected {entry.name} in the cache, as --offline was given, got none; fetch {entry.url} '
        f'without --offline, {by_hand}'
    )


def _fetch(entry: Entry, final: Path, options: Options, say: Callable[[str], None]) -> None:
    url = f'{options.mirror.rstrip("/")}/{entry.path}' if options.mirror else entry.url
    check_url(url)
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final, lambda: say(f'another process fetches {entry.name}: waiting for it')):
        if not _is_whole(entry, final, say):
            _Fetch(entry, url, PartFile(final), options, say).run()


def _is_whole(entry: Entry, file: Path, say: Callable[[str], None]) -> bool:
    if not file.exists():
        return False
    digest = sha256_of(file)
    if digest.startswith(entry.sha256_prefix):
        return True
    say(f'{file} is not as published: its sha256 is {digest}, not {entry.sha256_prefix}…')
    return False


@dataclass(frozen=True)
class _Fetch:
    """One fetch over as many requests as it takes."""

    entry: Entry
    url: str
    part: PartFile
    options: Options
    say: Callable[[str], None]

    def run(self) -> None:
        with Session() as session:
            pieced = self._transfer(session)
            digest = sha256_of(self.part.path)
            if pieced and not self._published(digest):
                self.say('the pieces are not of one file: starting again')
                self.part.discard()
                self._transfer(session)
                digest = sha256_of(self.part.path)
        if self._published(digest):
            self.part.finish()
            return
        size = self.part.size
        self.part.discard()
        raise FetchError(
            f'expected a file whose sha256 begins with {self.entry.sha256_prefix}, got {size} '
            f'bytes from {shown(self.url)} whose sha256 is {digest}; they were removed; try '
            'later, another --mirror'
        )

    def _published(self, digest: str) -> bool:
        return digest.startswith(self.entry.sha256_prefix)

    def _transfer(self, session: Session) -> bool:
        """Bring the part to its end; returns whether it is made of several answers."""
        options, furthest, fruitless = self.options, self.part.size, 0
        with tqdm(
            desc=self.entry.name,
            initial=self.part.size,
            unit='B',
            unit_scale=True,
            disable=None,
        ) as bar:

            def progress(written: int, total: int | None) -> None:
                bar.total = total
                bar.update(written - bar.n)

            timeouts = options.connect_timeout, options.stall_timeout
            while True:
                try:
                    return extend(session, self.url, self.part, timeouts, progress)
                except TransferError as stop:
                    size = self.part.size
                    fruitless = 0 if size >= furthest + _PROGRESS else fruitless + 1
                    furthest = max(furthest, size)
                    self._wait(stop, fruitless)

    def _wait(self, stop: TransferError, fruitless: int) -> None:
        """Wait before the next request.

        :raises FetchError: when there should be none.
        """
        options, kept = self.options, f'{self.part.size} bytes are kept to go on from'
        if fruitless >= options.tries:
            raise FetchError(
                f'expected the file from {shown(self.url)}, got nothing more {options.tries} '
                f'times, at last: {stop}; {kept}; try later, another --mirror'
            ) from stop
        wait = min(options.backoff * 2 ** max(fruitless - 1, 0), options.longest_wait)
        if stop.wait is not None:
            wait = stop.wait
        if wait > options.longest_wait:
            raise FetchError(
                f'expected the file from {shown(self.url)}, got: {stop}, to be asked again in '
                f'{wait:.0f} s; {kept}; try then, another --mirror'
            ) from stop
        self.say(f'{stop}: trying again in {wait:.3g} s')
        time.sleep(wait)
