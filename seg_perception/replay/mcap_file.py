"""MCAP files (https://mcap.dev/spec), read in sequence: with or without index, whole or damaged."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from seg_perception.replay.compression import decompress, unpack_message
from seg_perception.replay.storage import FIRST, LAST, Data, Loss, Record, Topic, Wanted, ros2_type

MAGIC = b'\x89MCAP0\r\n'
FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 2, 3, 4, 5, 6

_OPCODES = range(1, 16)
_HEAD = struct.Struct('<BQ')
_CHUNK_HEAD = struct.Struct('<QQQII')
_MESSAGE_HEAD = struct.Struct('<HIQQ')
_FOOTER_BYTES = _HEAD.size + 20 + len(MAGIC)
_WINDOW = 1 << 22
# What a record's content takes at least, and no record is as long as a terabyte: tells from noise.
_SHORTEST = {SCHEMA: 14, CHANNEL: 16, MESSAGE: _MESSAGE_HEAD.size, CHUNK: _CHUNK_HEAD.size + 8}
_LONGEST = 1 << 40


class _Source(Protocol):
    """Bytes with records in them: a file or the inside of a chunk."""

    size: int

    def at(self, offset: int, length: int) -> memoryview:
        """Return the bytes there; fewer at the end."""


class _FileSource:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    def at(self, offset: int, length: int) -> memoryview:
        self._file.seek(offset)
        return memoryview(self._file.read(max(0, min(length, self.size - offset))))


class _ChunkSource:
    def __init__(self, data: Data) -> None:
        self._view = memoryview(data)
        self.size = len(data)

    def at(self, offset: int, length: int) -> memoryview:
        return self._view[offset : offset + length]


@dataclass(frozen=True)
class _Place:
    """A record: `offset` and `length` are of its content, `whole` tells whether all is there."""

    opcode: int
    offset: int
    length: int
    whole: bool = True


class McapFile:
    """An MCAP file with ROS messages, of the profile `ros2` or `ros1`.

    Damage inside is stepped over to the next sound record; messages of a chunk whose checksum does
    not fit are used as they are. Both are in `losses`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.losses: list[Loss] = []
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, Topic] = {}
        with path.open('rb') as file:
            self._indexed = self._read_summary(_FileSource(file, self.size))

    def topics(self) -> list[Topic]:
        """Return the topics, from the summary or, where there is none, from the whole file."""
        if not self._indexed:
            for _ in self.records(lambda _: False):
                pass
            self._indexed = True
        return list(dict.fromkeys(self._channels.values()))

    def records(self, wanted: Wanted, start: int = FIRST, stop: int = LAST) -> Iterator[Record]:
        """Yield the records of the wanted topics with start <= time < stop, as they lie in it."""
        self.losses.clear()
        with self.path.open('rb') as file:
            source = _FileSource(file, self.size)
            if source.at(0, len(MAGIC)) != MAGIC:
                self._lose(0, 'it does not begin as an MCAP file does')
            for place in self._walk(source, len(MAGIC)):
                if place.opcode == CHUNK:
                    found = self._chunk(source, place, start, stop)
                else:
                    found = filter(None, [self._record(source, place, start, stop)])
                for record in found:
                    if wanted(record.topic):
                        yield record
                self.position = place.offset + place.length
        self.position = self.size

    def _read_summary(self, source: _Source) -> bool:
        tail = source.at(max(0, self.size - _FOOTER_BYTES), _FOOTER_BYTES)
        if len(tail) < _FOOTER_BYTES or tail[0] != FOOTER or tail[-len(MAGIC) :] != MAGIC:
            return False
        (at,) = struct.unpack_from('<Q', tail, _HEAD.size)
        end = self.size - _FOOTER_BYTES
        if not len(MAGIC) < at < end:
            return False
        while at + _HEAD.size <= end:
            opcode, length = _HEAD.unpack(source.at(at, _HEAD.size))
            if length > end - at or opcode not in _OPCODES:
                return False
            self._record(source, _Place(opcode, at + _HEAD.size, length), FIRST, LAST)
            at += _HEAD.size + length
        return bool(self._channels)

    def _walk(self, source: _Source, offset: int, chunk: int | None = None) -> Iterator[_Place]:
        """Yield the records of a source from an offset on.

        :param chunk: where the chunk is in the file, when the source is the inside of one.
        """
        while offset < source.size:
            head = source.at(offset, _HEAD.size)
            opcode, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0)
            room = source.size - offset - _HEAD.size
            if opcode == FOOTER and length == 20 and room == 20 + len(MAGIC):
                return
            if opcode in _OPCODES and opcode != FOOTER and length <= room:
                yield _Place(opcode, offset + _HEAD.size, length)
                offset += _HEAD.size + length
                continue
            place = offset if chunk is None else chunk
            found = _next_record(source, offset + 1)
            if found is None:
                self._lose(place, f'its last {source.size - offset} bytes are no whole record')
                if opcode == CHUNK:
                    yield _Place(opcode, offset + _HEAD.size, room, whole=False)
                return
            self._lose(place, f'{found - offset} bytes that are no records are left out')
            offset = found
        if chunk is None:
            self._lose(offset, 'it ends without its end mark: it was cut short')

    def _chunk(self, source: _Source, place: _Place, start: int, stop: int) -> Iterator[Record]:
        head = source.at(place.offset, _CHUNK_HEAD.size)
        if len(head) < _CHUNK_HEAD.size:
            return
        first, last, size, checksum, name_bytes = _CHUNK_HEAD.unpack(head)
        # A chunk without messages has no times, but may have channels.
        if place.whole and 0 < first <= last and (last < start or first >= stop):
            return
        content = source.at(place.offset + _CHUNK_HEAD.size, place.length - _CHUNK_HEAD.size)
        kind = bytes(content[: min(name_bytes, 8)]).decode('ascii', 'replace')
        data, problem = decompress(content[len(kind) + 8 :], kind, size)
        if not problem and checksum and zlib.crc32(data) != checksum:
            problem = 'its checksum does not fit'
        if problem:
            self._lose(place.offset, f'a chunk of messages is damaged, {problem}; the rest is used')
        inside = _ChunkSource(data)
        for inner in self._walk(inside, 0, place.offset):
            if record := self._record(inside, inner, start, stop):
                yield record

    def _record(self, source: _Source, place: _Place, start: int, stop: int) -> Record | None:
        """Take note of a schema or a channel, return a message."""
        if place.opcode not in (SCHEMA, CHANNEL, MESSAGE):
            return None
        content = source.at(place.offset, place.length)
        try:
            if place.opcode == MESSAGE:
                channel, _, time, _ = _MESSAGE_HEAD.unpack_from(content)
                topic = self._channels.get(channel)
                if topic is None or not start <= time < stop:
                    return None
                data, problem = unpack_message(content[_MESSAGE_HEAD.size :])
                if problem:
                    self._lose(place.offset, f'a message of {topic.name} is left out: {problem}')
                    return None
                return Record(topic, time, data)
            number, *rest = struct.unpack_from('<HH', content)
            if place.opcode == SCHEMA:
                self._schemas[number] = _text(content, 2)[0]
            else:
                name, at = _text(content, 4)
                encoding, _ = _text(content, at)
                kind = ros2_type(self._schemas.get(rest[0], ''))
                self._channels[number] = Topic(name, kind, encoding)
        except (struct.error, UnicodeDecodeError) as error:
            self._lose(place.offset, f'a record is damaged and left out ({error})')
        return None

    def _lose(self, offset: int, what: str) -> None:
        self.losses.append(Loss(self.path.name, offset, what))


def _text(content: memoryview, at: int) -> tuple[str, int]:
    """Return a text with its length before it, and where it ends."""
    (length,) = struct.unpack_from('<I', content, at)
    end = at + 4 + length
    if end > len(content):
        raise struct.error(f'a text of {length} bytes in a record of {len(content)}')
    return bytes(content[at + 4 : end]).decode(), end


def _next_record(source: _Source, offset: int) -> int | None:
    """Return where the next record begins that another one, or the end, follows."""
    while offset < source.size:
        window = np.frombuffer(source.at(offset, _WINDOW + _HEAD.size), np.uint8)
        count = len(window) - _HEAD.size
        if count <= 0:
            return None
        # A code, and a length whose upper three of eight bytes are 0.
        likely = (window[:count] - 1).astype(np.uint8) < len(_OPCODES)
        for byte in (6, 7, 8):
            likely &= window[byte : byte + count] == 0
        for place in np.flatnonzero(likely):
            at = offset + int(place)
            after = _end_of_record(source.at(at, _HEAD.size), at)
            if after == source.size or (
                after and _end_of_record(source.at(after, _HEAD.size), after)
            ):
                return at
        offset += count
    return None


def _end_of_record(head: memoryview, at: int) -> int | None:
    """Return where a record ends by its head, None where that is no head."""
    if len(head) < _HEAD.size:
        return None
    opcode, length = _HEAD.unpack(head)
    if opcode not in _OPCODES or not _SHORTEST.get(opcode, 4) <= length < _LONGEST:
        return None
    return int(at + _HEAD.size + length)
