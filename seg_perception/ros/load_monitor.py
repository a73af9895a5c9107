"""load_monitor: a consumer of the node's results that notes what came when, and nothing else."""

from __future__ import annotations

import json
import struct
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from seg_perception.msg import FrameReport
from seg_perception.ros import qos
from seg_perception.ros.load_protocol import CONNECTED, parse_frame_id
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, Process, ros_process
from seg_perception.ros.tool_parameters import declare, usage

PARAMETERS: dict[Rule, Value] = {
    Rule('node', str, 'Name of the node whose results are noted; empty: no node.'): 'segmentation',
    Rule('cameras', str, 'Names of its cameras, between commas; empty: one without a name.'): '',
    Rule('outputs', str, 'Topics of it with images, between commas.'): 'label,drivable,obstacle',
    Rule('reports', bool, 'Note its reports, too.'): True,
    Rule('reliable', bool, 'Subscribe reliably; else best effort.'): True,
    Rule('output', str, 'File for the notes (JSON).'): 'load_monitor.json',
}

_DEPTH = 100
_FIELDS = FrameReport.get_fields_and_field_types()
_STAGES = [name.removesuffix('_ms') for name in _FIELDS if name.endswith('_ms')]
_COUNTS = [name for name in _FIELDS if name.startswith(('frames_', 'dropped_'))]

_SETTLE_S = 0.5
_QUIET_S = 2.0
_DRAIN_S = 10.0


class LoadMonitor(Node):
    """Notes of every result: camera, output, frame, stamp and time of arrival.

    :raises ParameterError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('load_monitor')
        values = declare(self, PARAMETERS)
        self.cameras = values['cameras'].split(',')
        self.outputs = values['outputs'].split(',')
        self.file = Path(values['output'])
        self.results: list[tuple[int, ...]] = []
        self.reports: list[tuple[int, int, int, list[float]]] = []
        self.counts: dict[str, dict[str, int]] = {}
        self.last_news = time.monotonic()
        self._node = self.resolve_topic_name(values['node']) if values['node'] else ''
        # In the diagnostics a camera without a name has this one.
        self._status_names = [name or 'segmentation' for name in self.cameras]
        self._complete: float | None = None
        self._listen(values['node'], values['reports'], values['reliable'])
        self._waiting = self.create_timer(
            0.05, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def notes(self) -> dict[str, Any]:
        """Return what was noted.

        `results` are rows of camera, output, start of the camera, number, stamp and arrival (both
        in ns); `reports` of camera, start, number and the ms of `stages`; `counts` are each
        camera's totals, by reports and diagnostics.
        """
        return {
            'cameras': self.cameras,
            'outputs': self.outputs,
            'results': self.results,
            'stages': _STAGES,
            'reports': self.reports,
            'counts': self.counts,
        }

    def _listen(self, node: str, reports: bool, reliable: bool) -> None:
        policy = ReliabilityPolicy
        counted = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=_DEPTH,
            reliability=policy.RELIABLE if reliable else policy.BEST_EFFORT,
        )
        for camera, name in enumerate(self.cameras):
            for output, topic in enumerate(self.outputs):
                # Raw: turning a message into a Python object takes longer than to receive it.
                self.create_subscription(
                    Image,
                    '/'.join(filter(None, (node, name, topic))),
                    partial(self._note, camera, output),
                    counted,
                    raw=True,
                )
            if reports:
                self.create_subscription(
                    FrameReport,
                    '/'.join(filter(None, (node, name, 'report'))),
                    partial(self._note_report, camera),
                    counted,
                )
        self._results = tuple(self.subscriptions)
        if node:
            self.create_subscription(
                DiagnosticArray, '/diagnostics', self._note_status, qos.DIAGNOSTICS
            )

    def _look(self) -> None:
        now = time.monotonic()
        if not all(subscription.get_publisher_count() for subscription in self._results):
            self._complete = None
        elif self._complete is None:
            self._complete = now
        elif now - self._complete >= _SETTLE_S:
            self._waiting.cancel()
            print(CONNECTED, flush=True)

    def _note(self, camera: int, output: int, message: bytes) -> None:
        arrived = self.get_clock().now().nanoseconds
        stamp, name = parse_header(message)
        self.results.append((camera, output, *parse_frame_id(name), stamp, arrived))
        self.last_news = time.monotonic()

    def _note_report(self, camera: int, report: FrameReport) -> None:
        times = [float(getattr(report, f'{stage}_ms')) for stage in _STAGES]
        self.reports.append((camera, *parse_frame_id(report.header.frame_id), times))
        self._note_counts(camera, {name: getattr(report, name) for name in _COUNTS})
        self.last_news = time.monotonic()

    def _note_status(self, array: DiagnosticArray) -> None:
        for status in array.status:
            node, _, camera = status.name.rpartition(': ')
            if f'/{node}' == self._node and camera in self._status_names:
                told = {pair.key: pair.value for pair in status.values}
                counts = {name: int(told[name]) for name in _COUNTS if name in told}
                self._note_counts(self._status_names.index(camera), counts)

    def _note_counts(self, camera: int, counts: dict[str, int]) -> None:
        """Keep the larger of what is known: reports and diagnostics overtake each other."""
        known = self.counts.setdefault(self.cameras[camera], dict.fromkeys(_COUNTS, 0))
        if any(counts[name] > known[name] for name in counts):
            self.last_news = time.monotonic()
        known.update({name: max(known[name], count) for name, count in counts.items()})


def parse_header(message: bytes) -> tuple[int, str]:
    """Return the stamp (ns) and the frame of a serialised message that begins with a Header.

    Plain CDR (DDS-XTypes 1.3, section 7.4): four bytes of encapsulation, the second of which is
    odd where numbers are little-endian, then int32, uint32 and a string with its length.
    """
    order = '<' if message[1] & 1 else '>'
    seconds, nanoseconds, length = struct.unpack_from(f'{order}iII', message, 4)
    return seconds * 10**9 + nanoseconds, message[16 : 16 + length - 1].decode('utf-8')


def _drain(monitor: LoadMonitor, process: Process) -> None:
    monitor.last_news = time.monotonic()
    deadline = time.monotonic() + _DRAIN_S
    while time.monotonic() < min(deadline, monitor.last_news + _QUIET_S):
        process.executor.spin_once(timeout_sec=0.1)


def main(argv: list[str] | None = None) -> int:
    """Note until SIGINT or SIGTERM and nothing more comes, then write; return 1 on an error."""
    arguments = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(arguments):
        print(usage('load_monitor', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(arguments) as process:
            monitor = LoadMonitor()
            process.executor.add_node(monitor)
            while not process.stop.is_set():
                process.executor.spin_once(timeout_sec=0.1)
            _drain(monitor, process)
            monitor.file.write_text(json.dumps(monitor.notes()), encoding='utf-8')
    except (ArgumentsError, ParameterError, OSError) as error:
        print(f'load_monitor: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
