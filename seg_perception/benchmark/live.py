"""Cameras, a node and a consumer as processes, over DDS, for a while."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seg_perception.benchmark.notes import Notes, Published
from seg_perception.benchmark.process_meter import Usage, measure
from seg_perception.benchmark.segments import remove_abandoned, segments
from seg_perception.demo.graph import Process, Value
from seg_perception.demo.processes import Child, Children, ProcessError
from seg_perception.demo.run import demo_environment
from seg_perception.ros.load_protocol import CONNECTED, JPEG, PLAYING

NAMESPACE = '/load'
NODE = 'segmentation'
_START_S = 60.0
_WRITING_S = 60.0
_SAMPLE_S = 0.5


@dataclass(frozen=True)
class Load:
    """What the cameras send: `encoding` is one of `load_camera`'s, `rate` in frames a second."""

    cameras: int = 1
    width: int = 2048
    height: int = 1024
    encoding: str = 'rgb8'
    rate: float = 30.0
    reliable: bool = True

    @property
    def names(self) -> list[str]:
        """The cameras' names, as in the node's parameter `cameras`."""
        return [''] if self.cameras == 1 else [f'camera_{n}' for n in range(self.cameras)]

    @property
    def transport(self) -> str:
        """The node's transport for it."""
        return 'compressed' if self.encoding == JPEG else 'raw'

    def __str__(self) -> str:
        offer = 'reliable' if self.reliable else 'best effort'
        size = f'{self.width}x{self.height}'
        return f'{self.cameras} x {size} {self.encoding} at {self.rate:g} Hz, {offer}'


def node_process(load: Load, model: Path, **parameters: Value) -> Process:
    """Return the package's node for a load, on the CPU."""
    cameras = {'cameras': load.names} if load.cameras > 1 else {}
    return Process(
        tool='segmentation_node',
        name=NODE,
        parameters={
            'model': str(model),
            'backend': 'onnxruntime',
            'transport': load.transport,
            **cameras,
            **parameters,
        },
        namespace=NAMESPACE,
    )


def camera_process(load: Load, name: str, output: Path, run: int = 0) -> Process:
    """Return a camera of a load.

    :param output: file for its counts.
    :param run: how often it was started before.
    """
    return Process(
        tool='load_camera',
        name='load_camera',
        parameters={
            'width': load.width,
            'height': load.height,
            'encoding': load.encoding,
            'rate': float(load.rate),
            'reliable': load.reliable,
            'run': run,
            'output': str(output),
        },
        namespace=f'{NAMESPACE}/{name}' if name else NAMESPACE,
    )


def read_published(file: Path, run: int = 0) -> Published:
    """Return the counts that a camera wrote at its end."""
    told = json.loads(file.read_text(encoding='utf-8'))
    return Published(run, told['published'], told['skipped'])


def wait_for_word(children: Children, child: Child, word: str) -> None:
    """Wait until a child has said a word.

    :raises ProcessError: when it does not within a minute, or a child ends.
    """
    deadline = time.monotonic() + _START_S

    def said() -> bool:
        return word in child.log.read_text()

    children.wait(child, lambda: said() or time.monotonic() > deadline)
    if not said():
        raise ProcessError(
            f'{child.name} did not say {word!r} within {_START_S:g} s, but:\n{child.last_words()}'
        )


class Live:
    """A node under a load. Made by `live`.

    :ivar node: the process of the node.
    :ivar usage: what the node took, twice a second.
    """

    def __init__(self, children: Children, folder: Path, load: Load, node: Child) -> None:
        self._children = children
        self._folder = folder
        self._load = load
        self._monitor = self._start_monitor()
        self._cameras: dict[str, Child] = {}
        self._runs = dict.fromkeys(load.names, 0)
        self._killed: set[str] = set()
        self._segments = segments()
        self.node = node
        self.usage: list[Usage] = []
        self.played = 0.0
        """Seconds of `play` so far."""

    @property
    def cameras(self) -> list[str]:
        """The names of the cameras."""
        return self._load.names

    def start_camera(self, name: str) -> None:
        """Start a camera, which begins when the node has subscribed."""
        run = self._runs[name]
        self._runs[name] += 1
        process = camera_process(self._load, name, self._counts_file(name, run), run)
        self._cameras[name] = self._children.start(f'camera_{name}_{run}', process.command())

    def stop_camera(self, name: str) -> None:
        """Have a camera end, in peace."""
        self._children.stop(self._cameras.pop(name))

    def stop_cameras(self) -> None:
        """Have all cameras that there are end, in peace."""
        for name in list(self._cameras):
            self.stop_camera(name)

    def kill_camera(self, name: str) -> None:
        """End a camera as a crash does."""
        self._killed.add(name)
        self._children.kill(self._cameras.pop(name))
        remove_abandoned(self._segments)

    def play(self, seconds: float, do: Callable[[], None] = lambda: None) -> None:
        """Let it run, calling `do` again and again, and note twice a second what the node takes.

        :raises ProcessError: when a process ends.
        """
        begin = time.monotonic()

        def over() -> bool:
            self.played = time.monotonic() - begin
            self._note_usage()
            do()
            return self.played >= seconds

        self._children.wait(self.node, over)
        self.usage.append(measure(self.node.process.pid))

    def accompany(self, process: Process, do: Callable[[str], None]) -> None:
        """Start another process and wait for its end, calling `do` with what it has said so far.

        :raises ProcessError: when it ends with an error, or another process ends.
        """
        child = self._children.start(process.name, process.command())

        def watch() -> bool:
            self._note_usage()
            do(child.log.read_text())
            return False

        self._children.wait(child, watch)

    def finish(self) -> Notes:
        """Stop cameras and consumer and return what was noted; the node runs on."""
        self.stop_cameras()
        self._children.stop(self._monitor)
        published = {name: self._published(name) for name in self.cameras}
        return Notes.read(self._folder / 'notes.json', published, frozenset(self._killed))

    def connect(self) -> None:
        """Wait until the consumer has found all results, and start the cameras.

        :raises ProcessError: when that takes too long.
        """
        wait_for_word(self._children, self._monitor, CONNECTED)
        self.start_cameras()

    def start_cameras(self) -> None:
        """Start all cameras and wait until they play.

        :raises ProcessError: when that takes too long.
        """
        for name in self.cameras:
            self.start_camera(name)
        for camera in self._cameras.values():
            wait_for_word(self._children, camera, PLAYING)

    def _note_usage(self) -> None:
        if not self.usage or time.monotonic() - self.usage[-1].moment >= _SAMPLE_S:
            self.usage.append(measure(self.node.process.pid))

    def _start_monitor(self) -> Child:
        process = Process(
            tool='load_monitor',
            name='load_monitor',
            parameters={
                'node': NODE,
                'cameras': ','.join(self._load.names),
                'output': str(self._folder / 'notes.json'),
            },
            namespace=NAMESPACE,
        )
        return self._children.start('monitor', process.command(), patience=_WRITING_S)

    def _counts_file(self, name: str, run: int) -> Path:
        return self._folder / f'camera_{name}_{run}.json'

    def _published(self, name: str) -> list[Published]:
        files = [self._counts_file(name, run) for run in range(self._runs[name])]
        return [read_published(file, run) for run, file in enumerate(files) if file.exists()]


@contextmanager
def live(
    folder: Path,
    load: Load,
    node: list[str],
    environment: Mapping[str, str] | None = None,
    *,
    connect: bool = True,
) -> Iterator[Live]:
    """Start a node, the consumer of its results and, when these are connected, the cameras.

    :param folder: for logs and counts; made anew.
    :param node: the command that starts the node.
    :param environment: all variables of the processes; else a ROS domain of their own, with what
        large images need.
    :param connect: False for a node that is not configured yet: no camera is started.
    :raises ProcessError: when a process does not start.
    """
    folder.mkdir(parents=True)
    with Children(folder, environment or demo_environment()) as children:
        run = Live(children, folder, load, children.start('node', node))
        if connect:
            run.connect()
        yield run
