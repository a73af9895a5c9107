"""Recordings of ROS 2 in MCAP, written file by file, so that what is finished stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from seg_perception.replay.bag_reader import METADATA
from seg_perception.replay.messages import typestore
from seg_perception.replay.storage import BagError, Data

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# The oldest that the library writes.
_VERSION: Literal[8] = 8
_PART = '.part'
_FOREVER = QosTime(0, 0)


@dataclass(frozen=True)
class BagFile:
    """A finished file of a recording.

    :ivar first: time of the earliest message, ns; None where there is none. `last` likewise.
    :ivar counts: messages by topic.
    """

    name: str
    first: int | None
    last: int | None
    counts: dict[str, int]


class BagWriter:
    """Writes a rosbag2 folder of MCAP files with zstd chunks; a context manager.

    Topics are added first. `end_file` finishes a file and begins the next: a finished file is whole
    whatever happens later, and `finished` of an earlier writer lets another one go on after it.
    `close` finishes the recording; leaving the `with` block by an error leaves the last file out.

    :param folder: becomes the recording; made if it is not there.
    :param finished: files that are there already, as `files` of another writer had them.
    """

    def __init__(self, folder: Path, finished: Iterable[BagFile] = ()) -> None:
        self.folder = folder
        self.files = list(finished)
        self._topics: dict[str, tuple[str, Qos]] = {}
        self._connections: dict[str, Connection] = {}
        self._writer: Writer | None = None
        self._part = folder / _PART
        self._times: tuple[int, int] | None = None
        self._counts: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._part, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def add_topic(self, name: str, kind: str, *, latched: bool = False) -> None:
        """Add a topic; `latched`: its last message is kept for who comes later.

        :raises BagError: when it is there already or its type is not known.
        """
        if name in self._topics:
            raise BagError(f'{name}: expected a topic that is not in the recording yet')
        if kind not in typestore().fielddefs:
            raise BagError(f'{name}: the type {kind} is not known here')
        durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
        qos = Qos(
            QosHistory.KEEP_LAST,
            1,
            QosReliability.RELIABLE,
            durability,
            _FOREVER,
            _FOREVER,
            QosLiveliness.AUTOMATIC,
            _FOREVER,
            avoid_ros_namespace_conventions=False,
        )
        self._topics[name] = (kind, qos)

    def write(self, topic: str, time: int, data: Data) -> None:
        """Write a message, serialised as CDR, with the time (ns) of its recording."""
        writer = self._writer or self._begin()
        writer.write(self._connections[topic], time, data)
        first, last = self._times or (time, time)
        self._times = min(first, time), max(last, time)
        self._counts[topic] = self._counts.get(topic, 0) + 1

    def end_file(self) -> None:
        """Finish the file, if anything was written since the last."""
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        name = f'{self.folder.name}_{len(self.files)}.mcap'
        (written,) = self._part.glob('*.mcap')
        with written.open('rb') as file:
            os.fsync(file.fileno())
        written.replace(self.folder / name)
        shutil.rmtree(self._part)
        first, last = self._times or (None, None)
        self.files.append(BagFile(name, first, last, dict(self._counts)))

    def close(self) -> None:
        """Finish the recording."""
        if not self.files and self._writer is None:
            self._begin()
        self.end_file()
        text = yaml.safe_dump({'rosbag2_bagfile_information': self._metadata()}, sort_keys=False)
        part = self.folder / f'{METADATA}{_PART}'
        part.write_text(text, encoding='utf-8')
        part.replace(self.folder / METADATA)

    def abort(self) -> None:
        """Leave the file that is being written out."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None
        shutil.rmtree(self._part, ignore_errors=True)

    def _begin(self) -> Writer:
        self._times, self._counts = None, {}
        # Its own folder and metadata, which the finished recording has no use for.
        writer = Writer(self._part, version=_VERSION, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        writer.open()
        self._connections = {
            name: writer.add_connection(
                name, kind, typestore=typestore(), offered_qos_profiles=[qos]
            )
            for name, (kind, qos) in self._topics.items()
        }
        self._writer = writer
        return writer

    def _metadata(self) -> dict[str, Any]:
        return {
            'version': _VERSION,
            'storage_identifier': 'mcap',
            **_span(self.files),
            'topics_with_message_count': [
                {
                    'topic_metadata': {
                        'name': name,
                        'type': kind,
                        'serialization_format': 'cdr',
                        'offered_qos_profiles': _qos_text(qos),
                        'type_description_hash': typestore().hash_rihs01(kind),
                    },
                    'message_count': sum(file.counts.get(name, 0) for file in self.files),
                }
                for name, (kind, qos) in self._topics.items()
            ],
            'compression_format': '',
            'compression_mode': '',
            'relative_file_paths': [file.name for file in self.files],
            'files': [{'path': file.name, **_span([file])} for file in self.files],
            'custom_data': None,
            'ros_distro': 'rosbags',
        }


def _span(files: list[BagFile]) -> dict[str, Any]:
    first = min((file.first for file in files if file.first is not None), default=0)
    last = max((file.last for file in files if file.last is not None), default=0)
    return {
        'duration': {'nanoseconds': last - first},
        'starting_time': {'nanoseconds_since_epoch': first},
        'message_count': sum(sum(file.counts.values()) for file in files),
    }


def _qos_text(qos: Qos) -> str:
    """Return a quality of service as rosbag2 writes it: YAML in a text."""
    values = {
        'history': qos.history.value,
        'depth': qos.depth,
        'reliability': qos.reliability.value,
        'durability': qos.durability.value,
        'deadline': qos.deadline._asdict(),
        'lifespan': qos.lifespan._asdict(),
        'liveliness': qos.liveliness.value,
        'liveliness_lease_duration': qos.liveliness_lease_duration._asdict(),
        'avoid_ros_namespace_conventions': qos.avoid_ros_namespace_conventions,
    }
    return yaml.safe_dump([values], sort_keys=False).strip()
