"""bag_recorder: topics into a recording, where `ros2 bag record` is not installed."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.storage import BagError
from seg_perception.ros.bag_player import message_class
from seg_perception.ros.discovery import Discovery
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, ros_process
from seg_perception.ros.tool_parameters import declare, usage

PARAMETERS: dict[Rule, Value] = {
    Rule('output', str, 'Folder of the recording; must not be there yet.'): '',
    Rule('topics', str, 'Topics to record, with spaces between.'): '',
}

_DEPTH = 100


class BagRecorder(Node):
    """Writes messages as they were serialised, with the time (on the node's clock) of their coming.

    A topic is recorded from when it is first published. One that comes after others begins a new
    file of the recording.

    :raises BagError, ParameterError, OSError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('bag_recorder')
        values = declare(self, PARAMETERS)
        topics = [self.resolve_topic_name(name) for name in values['topics'].split()]
        for name in ('output', 'topics'):
            if not values[name].strip():
                raise ParameterError(f'parameter {name} must not be empty: -p {name}:=…')
        folder = Path(values['output'])
        if folder.exists():
            raise BagError(f'{folder} is there already; give another output')
        self._writer = BagWriter(folder)
        self._counts: Counter[str] = Counter()
        self._discovery = Discovery(self, topics, self._listen, _DEPTH)

    def close(self) -> None:
        """Finish the recording.

        :raises OSError: when it cannot be written.
        """
        self._writer.close()
        counts = ', '.join(f'{topic} {count}' for topic, count in self._counts.items())
        self.get_logger().info(f'recorded {counts or "nothing"} in {self._writer.folder}')
        for topic in self._discovery.missing:
            self.get_logger().warning(f'{topic}: nobody published it')

    def _listen(self, topic: str, kind: str, profile: QoSProfile) -> None:
        message = message_class(kind)
        if message is None:
            self.get_logger().error(f'{topic} is not recorded: {kind} is not installed')
            return
        latched = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
        try:
            self._writer.end_file()
            self._writer.add_topic(topic, kind, latched=latched)
        except BagError as error:
            self.get_logger().error(f'not recorded: {error}')
            return
        self.create_subscription(message, topic, partial(self._write, topic), profile, raw=True)

    def _write(self, topic: str, data: bytes) -> None:
        self._writer.write(topic, self.get_clock().now().nanoseconds, data)
        self._counts[topic] += 1


def main(argv: list[str] | None = None) -> int:
    """Record until SIGINT or SIGTERM; return 1 on an error."""
    if {'-h', '--help'} & set(argv or ()):
        print(usage('bag_recorder', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(argv) as process:
            recorder = BagRecorder()
            process.executor.add_node(recorder)
            while not process.stop.is_set():
                process.executor.spin_once(timeout_sec=0.1)
            recorder.close()
    except (ArgumentsError, ParameterError, BagError, OSError) as error:
        print(f'bag_recorder: {error}', file=sys.stderr)
        return 1
    return 0
