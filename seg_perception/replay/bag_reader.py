"""Recordings of ROS 2 and ROS 1, whole or damaged, read in the order of recording."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from seg_perception.replay import mcap_file, ros1_file
from seg_perception.replay.compression import ZSTD_MAGIC, decompress_file
from seg_perception.replay.mcap_file import McapFile
from seg_perception.replay.ros1_file import Ros1File
from seg_perception.replay.sqlite_file import SqliteFile
from seg_perception.replay.storage import (
    FIRST,
    LAST,
    BagError,
    Loss,
    Record,
    Storage,
    Topic,
    ros2_type,
)

METADATA = 'metadata.yaml'

_FORMATS: Mapping[str, tuple[bytes, Callable[[Path], Storage]]] = {
    '.mcap': (mcap_file.MAGIC, McapFile),
    '.db3': (b'SQLite format 3\0', SqliteFile),
    '.bag': (ros1_file.MAGIC, Ros1File),
}
_NAME = re.compile(r'\.(mcap|db3|bag)(\.active)?(\.zstd)?$')


def is_bag(path: Path) -> bool:
    """Tell whether a path is a recording: a folder of rosbag2 or a file of a known kind."""
    if path.is_dir():
        names = {file.name for file in path.iterdir()}
        return METADATA in names or any(map(_NAME.search, names))
    return bool(_NAME.search(path.name))


class BagReader:
    """Reads a rosbag2 folder, one of its files (`.mcap`, `.db3`, packed or not) or a ROS 1 bag.

    Every file is read in sequence, so that a recording that was cut short or damaged gives all that
    comes before the damage and what can be found after it. Files packed as a whole are unpacked
    into the temporary folder one after the other.

    :ivar counts: messages by topic, as the recording says of itself; empty where it does not.
    :ivar losses: what `records` found damaged or missing so far.
    :raises BagError: when there is no recording.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self.losses: list[Loss] = []
        self._about: dict[str, Any] = {}
        self._about_loss: list[Loss] = []
        if self.path.is_dir():
            self._files = self._storage_files()
        elif self.path.is_file():
            self._files = [self.path]
        else:
            raise BagError(f'no file or folder {self.path}; give a recording')
        if not self._files:
            raise BagError(
                f'{self.path}: expected .mcap, .db3 or .bag files in it, got none; give a recording'
            )
        self._sizes = [file.stat().st_size for file in self._files]
        self._done = 0
        self._current: Storage | None = None
        listed = _listed_topics(self._about)
        self.counts: Mapping[str, int] = {topic.name: count for topic, count in listed.items()}
        self._topics = list(listed) or None

    @property
    def topics(self) -> list[Topic]:
        """The topics; the files are read for them where they do not list them."""
        if self._topics is None:
            found: dict[Topic, None] = {}
            for file in self._files:
                with self._opened(file) as storage:
                    found.update(dict.fromkeys(storage.topics()))
            self._topics = list(found)
        return self._topics

    @property
    def progress(self) -> float:
        """How far `records` is, 0 to 1, by bytes."""
        total, done = max(sum(self._sizes), 1), sum(self._sizes[: self._done])
        if self._current and self._current.size:
            share = self._current.position / self._current.size
            done += int(share * self._sizes[self._done])
        return min(done / total, 1.0)

    def records(
        self, topics: Collection[str] | None = None, start: int = FIRST, stop: int = LAST
    ) -> Iterator[Record]:
        """Yield the records of the named topics (all) with start <= time < stop, ns.

        In the order of recording, which is that of time but for small swaps of a busy recorder. A
        second call begins anew.
        """
        self.losses = list(self._about_loss)
        self._done, read = 0, Counter[str]()
        for number, file in enumerate(self._files):
            with self._opened(file) as storage:
                self._done, self._current = number, storage
                wanted = lambda topic: topics is None or topic.name in topics  # noqa: E731
                for record in storage.records(wanted, start, stop):
                    read[record.topic.name] += 1
                    yield record
                self.losses += storage.losses
                self._current = None
        self._done = len(self._files)
        if (start, stop) == (FIRST, LAST):
            self._check_counts(read, topics)

    def _check_counts(self, read: Counter[str], topics: Collection[str] | None) -> None:
        for name, count in self.counts.items():
            if (topics is None or name in topics) and read[name] < count:
                what = f'{name}: {count} messages were recorded, {read[name]} could be read'
                self.losses.append(Loss(self.path.name, None, what))

    def _storage_files(self) -> list[Path]:
        present = {file.name: file for file in self.path.iterdir() if _NAME.search(file.name)}
        listed: list[str] = []
        metadata = self.path / METADATA
        try:
            loaded = yaml.safe_load(metadata.read_text(encoding='utf-8'))
            self._about = dict(loaded['rosbag2_bagfile_information'])
            listed = [Path(str(name)).name for name in self._about['relative_file_paths']]
        except FileNotFoundError:
            pass
        except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError) as error:
            text = ' '.join(str(error).split())
            self._about_loss.append(Loss(METADATA, None, f'it is damaged and left out ({text})'))
        self._about_loss += [
            Loss(name, None, 'it is listed in metadata.yaml and missing')
            for name in listed
            if name not in present
        ]
        rest = sorted(present.keys() - set(listed), key=_by_number)
        return [present[name] for name in (*listed, *rest) if name in present]

    @contextmanager
    def _opened(self, file: Path) -> Iterator[Storage]:
        with file.open('rb') as begin:
            head = begin.read(16)
        if file.suffix != '.zstd' and head[: len(ZSTD_MAGIC)] != ZSTD_MAGIC:
            yield _open_storage(file, head)
            return
        with tempfile.TemporaryDirectory() as folder:
            unpacked = Path(folder) / file.name.removesuffix('.zstd')
            with unpacked.open('wb') as target:
                problem = decompress_file(file, target)
            with unpacked.open('rb') as begin:
                storage = _open_storage(unpacked, begin.read(16))
            yield storage
            if problem:
                storage.losses.append(Loss(file.name, None, problem))


def _open_storage(file: Path, head: bytes) -> Storage:
    for magic, make in _FORMATS.values():
        if head.startswith(magic):
            return make(file)
    # Its first bytes may be what is damaged.
    found = _NAME.search(file.name)
    if found is None:
        raise BagError(f'{file} is no recording: expected .mcap, .db3 or .bag')
    return _FORMATS[f'.{found[1]}'][1](file)


def _listed_topics(about: Mapping[str, Any]) -> dict[Topic, int]:
    found = {}
    try:
        for entry in about.get('topics_with_message_count', ()):
            topic = entry['topic_metadata']
            encoding = str(topic.get('serialization_format', 'cdr'))
            key = Topic(str(topic['name']), ros2_type(str(topic['type'])), encoding)
            found[key] = int(entry['message_count'])
    except (TypeError, KeyError, ValueError, AttributeError):
        return {}
    return found


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort `x_10` after `x_9`."""
    return [(int(part), '') if part.isdigit() else (0, part) for part in re.split(r'(\d+)', name)]
