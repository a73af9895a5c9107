"""ROS 1 bags (version 2.0 of the format), read in sequence: with or without index."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from seg_perception.replay.compression import decompress
from seg_perception.replay.storage import FIRST, LAST, Data, Loss, Record, Topic, Wanted, ros2_type

MAGIC = b'#ROSBAG V2.0\n'

_MESSAGE, _CHUNK, _CONNECTION = 2, 5, 7
_OPCODES = range(2, 8)
_LONGEST_HEADER = 1 << 20
_CHUNK_MARK = b'\x04\x00\x00\x00op=\x05'
_WINDOW = 1 << 22

_Header = Mapping[str, bytes]


class Ros1File:
    """A ROS 1 bag, also one that was not closed (`.bag.active`).

    Damage inside is stepped over to the next chunk; it is in `losses`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.losses: list[Loss] = []
        self._connections: dict[int, Topic] = {}
        self._complete = False

    def topics(self) -> list[Topic]:
        """Return the topics; the whole file is read for them once."""
        if not self._complete:
            for _ in self.records(lambda _: False):
                pass
            self._complete = True
        return list(dict.fromkeys(self._connections.values()))

    def records(self, wanted: Wanted, start: int = FIRST, stop: int = LAST) -> Iterator[Record]:
        """Yield the records of the wanted topics with start <= time < stop, as they lie in it."""
        self.losses.clear()
        with self.path.open('rb') as file:
            if file.read(len(MAGIC)) != MAGIC:
                self._lose(0, 'it does not begin as a bag of version 2.0 does')
            for header, data in self._walk(file):
                self.position = file.tell()
                if _number(header, 'op') != _CHUNK:
                    records = self._inside(header, data)
                else:
                    records = self._chunk(header, data, file.tell() - len(data))
                for record in records:
                    if start <= record.time < stop and wanted(record.topic):
                        yield record
        self.position = self.size

    def _walk(self, file: BinaryIO) -> Iterator[tuple[_Header, Data]]:
        """Yield header and data of the records in the file; the last may be cut short."""
        while True:
            offset = file.tell()
            found = _read_record(file, self.size)
            if found is not None:
                yield found
                continue
            if offset == self.size:
                return
            file.seek(offset + 1)
            after = _next_chunk(file)
            if after is None:
                self._lose(offset, f'its last {self.size - offset} bytes are no whole record')
                if partial := _read_record(_seek(file, offset), self.size, partial=True):
                    yield partial
                return
            self._lose(offset, f'{after - offset} bytes that are no records are left out')
            file.seek(after)

    def _chunk(self, header: _Header, data: Data, offset: int) -> Iterator[Record]:
        kind = header.get('compression', b'none').decode('ascii', 'replace')
        content, problem = decompress(data, kind, _number(header, 'size'))
        if problem:
            self._lose(offset, f'a chunk of messages is damaged, {problem}; the rest is used')
        at = 0
        while at < len(content):
            record = _parse_record(memoryview(content), at)
            if record is None:
                if not problem:
                    self._lose(offset, f'the last {len(content) - at} bytes of a chunk are damaged')
                return
            inner, body, at = record
            yield from self._inside(inner, body)

    def _inside(self, header: _Header, data: Data) -> Iterator[Record]:
        """Take note of a connection, yield a message."""
        opcode, number = _number(header, 'op'), _number(header, 'conn')
        if opcode == _CONNECTION and number is not None:
            described = _fields(memoryview(data)) or {}
            name = header.get('topic', b'').decode('utf-8', 'replace')
            kind = described.get('type', b'').decode('utf-8', 'replace')
            # A damaged repetition does not replace what was understood.
            if name and '/' in kind:
                self._connections.setdefault(number, Topic(name, ros2_type(kind), 'ros1'))
        elif opcode == _MESSAGE and number in self._connections:
            time = header.get('time', b'')
            if len(time) == 8:
                seconds, nanoseconds = struct.unpack('<II', time)
                yield Record(self._connections[number], seconds * 10**9 + nanoseconds, data)

    def _lose(self, offset: int, what: str) -> None:
        self.losses.append(Loss(self.path.name, offset, what))


def _seek(file: BinaryIO, offset: int) -> BinaryIO:
    file.seek(offset)
    return file


def _read_record(
    file: BinaryIO, size: int, *, partial: bool = False
) -> tuple[_Header, Data] | None:
    """Read a record; None where there is none, or, unless `partial`, only the beginning of one."""
    head = file.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack('<I', head)
    if length > min(_LONGEST_HEADER, size - file.tell()):
        return None
    header = _fields(memoryview(file.read(length)))
    tail = file.read(4)
    if header is None or _number(header, 'op') not in _OPCODES or len(tail) < 4:
        return None
    (length,) = struct.unpack('<I', tail)
    if length > size - file.tell() and not partial:
        return None
    return header, file.read(length)


def _parse_record(content: memoryview, at: int) -> tuple[_Header, memoryview, int] | None:
    """Return header, data and end of a record inside a chunk; None where it is not whole."""
    if at + 4 > len(content):
        return None
    (length,) = struct.unpack_from('<I', content, at)
    body = at + 4 + length
    if body + 4 > len(content):
        return None
    header = _fields(content[at + 4 : body])
    (length,) = struct.unpack_from('<I', content, body)
    end = body + 4 + length
    if header is None or _number(header, 'op') not in _OPCODES or end > len(content):
        return None
    return header, content[body + 4 : end], end


def _fields(content: memoryview) -> dict[str, bytes] | None:
    """Return the fields of a header, None where that is none."""
    found, at = {}, 0
    while at < len(content):
        if at + 4 > len(content):
            return None
        (length,) = struct.unpack_from('<I', content, at)
        field = bytes(content[at + 4 : at + 4 + length])
        name, equals, value = field.partition(b'=')
        if len(field) < length or not equals:
            return None
        found[name.decode('ascii', 'replace')] = value
        at += 4 + length
    return found


def _number(header: _Header, name: str) -> int | None:
    value = header.get(name)
    return None if value is None else int.from_bytes(value, 'little')


def _next_chunk(file: BinaryIO) -> int | None:
    """Return where the next chunk begins from here on: before its mark, where its header fits."""
    origin = start = file.tell()
    while window := file.read(_WINDOW):
        after, at = file.tell(), window.find(_CHUNK_MARK)
        while at >= 0:
            mark = start + at
            for begin in range(mark - 4, max(origin - 1, mark - 128), -1):
                (length,) = struct.unpack('<I', _seek(file, begin).read(4))
                header = _fields(memoryview(file.read(length))) if length < 256 else None
                if header and {'op', 'compression', 'size'} <= header.keys():
                    return begin
            at = window.find(_CHUNK_MARK, at + 1)
        if len(window) < _WINDOW:
            return None
        # The mark may lie across two windows.
        start = _seek(file, after - len(_CHUNK_MARK)).tell()
    return None
