"""demo_monitor: a small consumer of the results, which watches, scores and sums up a run."""

from __future__ import annotations

import functools
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image

from seg_perception.core.labels import load_label_set
from seg_perception.demo.progress import ProgressLine
from seg_perception.demo.record import PAGE_FILE, RunRecord
from seg_perception.demo.summary import Counts
from seg_perception.msg import FrameReport
from seg_perception.ros import qos
from seg_perception.ros.camera_input import decode
from seg_perception.ros.camera_starter import CameraStarter
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, Process, ros_process
from seg_perception.ros.tool_parameters import declare, usage

PARAMETERS: dict[Rule, Value] = {
    Rule('output', str, 'Folder for summary.json, index.html and pictures; empty: none.'): '',
    Rule('command', str, 'What was typed to start the run, for the summary.'): '',
    Rule('start_camera', bool, 'Have the scene camera play as soon as all is connected.'): False,
    Rule('start_timeout', float, 'Seconds to wait for that.', low=1, high=3600): 60.0,
}

# Results are offered reliably; a few are kept, so that a moment's work here loses none.
RESULTS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE
)

_BACKLOG = 64
_QUIET_S = 0.5
_DRAIN_S = 5.0


class MonitorError(RuntimeError):
    """The run cannot go on; the text says why."""


class DemoMonitor(Node):
    """Subscribes below `segmentation/` and `camera/`, relative to its namespace.

    Images are worked on in a thread of its own, so that their arrival is noted in time.

    :raises ParameterError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('demo_monitor')
        values = declare(self, PARAMETERS)
        self.output = Path(values['output']) if values['output'] else None
        self.record = RunRecord(load_label_set())
        self.record.command = values['command']
        self.last_news = time.monotonic()
        self._failure = ''
        self._began: float | None = None
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(_BACKLOG)
        self._worker = threading.Thread(target=self._work, name='record', daemon=True)
        self._worker.start()
        self._node_status = f'{self.resolve_topic_name("segmentation").lstrip("/")}: segmentation'
        self._camera_status = (
            f'{self.resolve_topic_name("camera/scene_camera").lstrip("/")}: camera'
        )
        self._subscribe()
        self._starter = (
            CameraStarter(
                self,
                camera='camera',
                results=('segmentation/label', 'segmentation/report'),
                timeout=values['start_timeout'],
            )
            if values['start_camera']
            else None
        )

    @property
    def seconds(self) -> float:
        """Seconds since the first result, 0 before it."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def check(self) -> None:
        """Check that the run can go on.

        :raises MonitorError: when it cannot.
        """
        failure = self._failure or (self._starter.failure if self._starter else '')
        if failure:
            raise MonitorError(failure)

    def close(self) -> None:
        """Finish the work on what was received."""
        self._tasks.put(None)
        self._worker.join()

    def _subscribe(self) -> None:
        self._listen(Image, 'segmentation/label', self._on_label)
        self._listen(FrameReport, 'segmentation/report', self._on_report)
        self._listen(Image, 'camera/truth/label', self._on_truth)
        self.create_subscription(
            DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.DIAGNOSTICS
        )
        if self.output is not None:
            for name in ('drivable', 'obstacle'):
                self._listen(Image, f'segmentation/{name}', functools.partial(self._on_mask, name))
            for name, topic in (
                ('camera', 'camera/image_raw/compressed'),
                ('overlay', 'segmentation/overlay/compressed'),
            ):
                self._listen(CompressedImage, topic, functools.partial(self._on_picture, name))

    def _listen(self, kind: type, topic: str, callback: Callable[[Any], None]) -> None:
        self.create_subscription(kind, topic, callback, RESULTS)

    def _on_label(self, message: Image) -> None:
        self.last_news = now = time.monotonic()
        age_ms = (self.get_clock().now().nanoseconds - _stamp(message)) / 1e6
        if self._began is None:
            self._began = now
        self.record.result(now - self._began, age_ms)
        self._later(lambda: self.record.label(_stamp(message), _mono(message)))

    def _on_truth(self, message: Image) -> None:
        self._later(lambda: self.record.truth(_stamp(message), _mono(message)))

    def _on_mask(self, name: str, message: Image) -> None:
        self._later(lambda: self.record.view(_stamp(message), name, _mono(message)))

    def _on_picture(self, name: str, message: CompressedImage) -> None:
        self._later(lambda: self.record.view(_stamp(message), name, message.data.tobytes()))

    def _on_report(self, report: FrameReport) -> None:
        self.record.model, self.record.backend = report.model, report.backend
        self._count(
            Counts(
                report.frames_in,
                report.frames_out,
                report.dropped_busy,
                report.dropped_stale,
                report.dropped_bad,
            )
        )

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            values = {pair.key: pair.value for pair in status.values}
            if status.name == self._node_status:
                if status.level == DiagnosticStatus.ERROR and values['state'] == 'unconfigured':
                    self._failure = f'the segmentation node cannot start: {status.message}'
                names = ('frames_in', 'frames_out', 'dropped_busy', 'dropped_stale', 'dropped_bad')
                self._count(Counts(*(int(values[name]) for name in names)))
            elif status.name == self._camera_status:
                self.record.source = values['source']
                self.record.published = int(values['frames_published'])
                self.record.skipped = int(values['frames_skipped'])

    def _count(self, counts: Counts) -> None:
        newest = self.record.counts.newest(counts)
        if newest != self.record.counts:
            self.record.counts = newest
            self.last_news = time.monotonic()

    def _later(self, task: Callable[[], None]) -> None:
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            self.get_logger().warning(
                'this machine is too slow to score every frame', throttle_duration_sec=10.0
            )

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except ValueError as error:
                self.get_logger().error(f'a result cannot be used: {error}')


def _stamp(message: Image | CompressedImage) -> int:
    return int(Time.from_msg(message.header.stamp).nanoseconds)


def _mono(message: Image) -> npt.NDArray[np.uint8]:
    return np.asarray(decode(message).planes, np.uint8)


def main(argv: list[str] | None = None) -> int:
    """Watch a run until SIGINT or SIGTERM, then sum it up; return 1 when nothing was segmented."""
    if {'-h', '--help'} & set(argv or ()):
        print(usage('demo_monitor', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(argv) as process:
            monitor = DemoMonitor()
            process.executor.add_node(monitor)
            _watch(monitor, process)
            monitor.close()
            return _sum_up(monitor)
    except (ArgumentsError, ParameterError, MonitorError, OSError) as error:
        print(f'demo_monitor: {error}', file=sys.stderr)
        return 1


def _watch(monitor: DemoMonitor, process: Process) -> None:
    line = ProgressLine()
    while not process.stop.is_set():
        process.executor.spin_once(timeout_sec=0.1)
        monitor.check()
        if monitor.seconds and line.due:
            line.show(monitor.record.summary(), monitor.seconds)
    seconds = monitor.seconds
    deadline = time.monotonic() + _DRAIN_S
    # The last results are still to be received.
    while time.monotonic() < deadline:
        process.executor.spin_once(timeout_sec=0.1)
        if time.monotonic() - monitor.last_news > _QUIET_S and monitor.record.counts.settled:
            break
    line.show(monitor.record.summary(), seconds, last=True)


def _sum_up(monitor: DemoMonitor) -> int:
    summary = monitor.record.summary()
    if monitor.output is not None:
        monitor.output.mkdir(parents=True, exist_ok=True)
        monitor.record.write(monitor.output)
        monitor.get_logger().info(f'summary in {monitor.output / PAGE_FILE}')
    if summary.counts.frames_out == 0:
        print(
            f'demo_monitor: no frame was segmented: {summary.frames_published or 0} published by '
            f'the camera, {summary.counts.frames_in} reached the node, {summary.counts.dropped} '
            'dropped',
            file=sys.stderr,
        )
        return 1
    return 0
