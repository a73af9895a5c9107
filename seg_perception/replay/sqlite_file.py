"""SQLite files of rosbag2 (`.db3`), read in the order of their rows, whole or damaged."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from seg_perception.replay.compression import unpack_message
from seg_perception.replay.storage import FIRST, LAST, Loss, Record, Topic, Wanted, ros2_type

_TOPICS = 'SELECT id, name, type, serialization_format FROM topics ORDER BY id'
# In the order of rows, which is that of recording: an index may be damaged, too. No message is
# larger than its file, whatever a damaged row says of itself.
_ROWS = (
    'SELECT id, topic_id, timestamp, CASE WHEN length(data) <= ? THEN data END '
    'FROM messages NOT INDEXED '
    'WHERE id >= ? AND timestamp >= ? AND timestamp < ? AND topic_id IN ({}) ORDER BY id'
)
_SMALLEST_ROW = 16
_LAST_ID = (1 << 63) - 1


class SqliteFile:
    """A SQLite file of rosbag2, its messages compressed by zstd or not.

    Rows that cannot be read are stepped over; they are in `losses`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.losses: list[Loss] = []
        self._highest = 0

    def topics(self) -> list[Topic]:
        """Return the topics."""
        with self._connection() as connection:
            return list(self._topics(connection).values())

    def records(self, wanted: Wanted, start: int = FIRST, stop: int = LAST) -> Iterator[Record]:
        """Yield the records of the wanted topics with start <= time < stop, in order of rows."""
        self.losses.clear()
        with self._connection() as connection:
            topics = {n: topic for n, topic in self._topics(connection).items() if wanted(topic)}
            self._highest = self._highest_id(connection)
            for number, topic, time, data in self._rows(connection, list(topics), start, stop):
                if not isinstance(data, bytes) or not isinstance(time, int):
                    self._lose(f'message {number} is damaged and left out')
                    continue
                message, problem = unpack_message(data)
                if problem:
                    self._lose(f'message {number} is left out: {problem}')
                    continue
                self.position = int(self.size * min(1.0, number / max(self._highest, 1)))
                yield Record(topics[topic], time, message)
        self.position = self.size

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        log = self.path.with_name(self.path.name + '-wal')
        if not log.exists():
            with _open(self.path, 'immutable=1') as connection:
                yield connection
            return
        # The recorder died before it moved its log into the file. That is made up for in a copy.
        with tempfile.TemporaryDirectory() as folder:
            for file in (self.path, log):
                shutil.copy(file, folder)
            with _open(Path(folder) / self.path.name, '') as connection:
                yield connection

    def _topics(self, connection: sqlite3.Connection) -> dict[int, Topic]:
        found = {}
        try:
            for number, name, kind, encoding in connection.execute(_TOPICS):
                found[int(number)] = Topic(str(name), ros2_type(str(kind)), str(encoding))
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            self._lose(f'its list of topics is damaged ({error})')
        return found

    def _highest_id(self, connection: sqlite3.Connection) -> int:
        try:
            ((highest,),) = connection.execute('SELECT max(id) FROM messages')
        except sqlite3.Error:
            return 0
        return highest if isinstance(highest, int) else 0

    def _rows(
        self, connection: sqlite3.Connection, topics: Sequence[int], start: int, stop: int
    ) -> Iterator[tuple[int, Any, Any, Any]]:
        query = _ROWS.format(', '.join('?' * len(topics)))
        # A damaged tree may lead in circles: there are never more rows than there is room for.
        room = self.size // _SMALLEST_ROW
        first, step = 0, 1
        while first <= _LAST_ID:
            last = first - 1
            try:
                rows = connection.execute(query, (self.size, first, start, stop, *topics))
                for row in rows:
                    room -= 1
                    if room < 0:
                        self._lose('its rows lead in a circle; read up to there')
                        return
                    last, step = row[0], 1
                    yield row
            except sqlite3.Error as error:
                if last >= first or step == 1:
                    self._lose(f'messages after {last} are damaged ({error})')
                # Single rows, then ever longer stretches of them are stepped over.
                first, step = last + 1 + step, step * 2
            else:
                return

    def _lose(self, what: str) -> None:
        self.losses.append(Loss(self.path.name, None, what))


@contextmanager
def _open(path: Path, options: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(
        f'file:{quote(str(path.absolute()))}?{options}', uri=True, check_same_thread=False
    )
    # Texts of damaged rows need not be UTF-8.
    connection.text_factory = lambda text: text.decode('utf-8', 'replace')
    with suppress(sqlite3.Error):
        # Without this a file that was cut short is refused as a whole.
        connection.execute('PRAGMA writable_schema = ON')
    try:
        yield connection
    finally:
        connection.close()
