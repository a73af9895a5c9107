"""bag_player: a recording on its topics, with /clock, where `ros2 bag play` is not installed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock as RosClock
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.messages import to_cdr
from seg_perception.replay.storage import BagError, Record
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.playback import Playback
from seg_perception.ros.process import ArgumentsError, ros_process
from seg_perception.ros.tool_parameters import declare, usage

RATE = Rule(
    'rate', float, 'Seconds of the recording in a second.', run_time=True, low=0.01, high=100
)
LOOP = Rule('loop', bool, 'Begin again at the end; the clock jumps back then.', run_time=True)
POSITION = Rule(
    'position', float, 'Set: jumps to so many seconds after the beginning.', True, low=0, high=1e9
)
PARAMETERS: dict[Rule, Value] = {
    Rule('bag', str, 'The recording: a folder of rosbag2, one of its files, a ROS 1 bag.'): '',
    Rule('topics', str, 'Topics to play, with spaces between; empty: all.'): '',
    RATE: 1.0,
    LOOP: False,
    POSITION: 0.0,
    Rule('start_offset', float, 'Begin so many seconds after the beginning.', low=0, high=1e9): 0.0,
    Rule('start_paused', bool, 'Wait for the service ~/resume.'): False,
    Rule('wait_for', str, 'Topics (or their …/compressed) that must have a subscriber first.'): '',
    Rule(
        'linger',
        float,
        'Seconds to stay at the end, for whoever works on the last.',
        low=0,
        high=60,
    ): (1.0),
    Rule(
        'clock_publish_frequency', float, 'Of /clock in Hz; 0: no /clock.', low=0, high=1000
    ): 40.0,
}

_CLOCK = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE
)
_DEPTH = 10
_LATCHED = ('tf_static', 'label_info')
"""Last parts of the names of topics whose last message is kept for who comes later."""
_LINGER_S = 0.5
_SETTLE_S = 1.0
"""What is seen of subscribers here may take a moment to be seen where they subscribe."""


class BagPlayer(Node):
    """Publishes recorded messages as they were serialised, at the time of their recording.

    :raises BagError, ParameterError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('bag_player')
        values = declare(self, PARAMETERS)
        if not values['bag']:
            raise ParameterError('parameter bag must name a recording: -p bag:=FOLDER')
        self._reader = BagReader(values['bag'])
        wanted = values['topics'].split()
        self._outputs = self._offer(wanted)
        first = next(self._records(-(1 << 63)), None)
        if first is None:
            raise BagError(f'{self._reader.path}: expected messages to play, got none')
        self._awaited = [self.resolve_topic_name(name) for name in values['wait_for'].split()]
        self._settled = time.monotonic() + (_SETTLE_S if self._awaited else 0)
        self._playback: Playback[Record] = Playback(
            self._records,
            self._show,
            first=first.time,
            rate=values['rate'],
            loop=values['loop'],
            offset=values['start_offset'],
            paused=values['start_paused'],
        )
        self.linger = values['linger']
        self._started = False
        self._telling = threading.Lock()
        steady = RosClock(clock_type=ClockType.STEADY_TIME)
        self._waiting = self.create_timer(0.05, self._begin, clock=steady)
        self._clock_publisher = None
        if values['clock_publish_frequency']:
            self._clock_publisher = self.create_publisher(Clock, '/clock', _CLOCK)
            self.create_timer(1 / values['clock_publish_frequency'], self._tell_time, clock=steady)
        for name, paused in (('pause', True), ('resume', False), ('toggle_paused', None)):
            self.create_service(Trigger, f'~/{name}', partial(self._set_paused, paused))
        self.add_on_set_parameters_callback(self._check_parameters)

    @property
    def playing(self) -> bool:
        """Whether messages are still to come.

        :raises Exception: when the recording could not be read on.
        """
        return self._playback.playing

    def close(self) -> None:
        """Stop, and wait a moment for what is still on its way."""
        if self._started:
            self._playback.stop()
        for publisher in self._outputs.values():
            publisher.wait_for_all_acked(Duration(seconds=_LINGER_S))
        self.get_logger().info(f'played {self._playback.shown} messages')
        for loss in self._reader.losses:
            self.get_logger().warning(f'damaged recording: {loss}')

    def _offer(self, wanted: list[str]) -> dict[str, Publisher]:
        known = {topic.name for topic in self._reader.topics}
        if absent := sorted(set(wanted) - known):
            raise BagError(
                f'{self._reader.path}: expected topics among {", ".join(sorted(known))}, got '
                f'{", ".join(absent)}'
            )
        outputs = {}
        for topic in self._reader.topics:
            if topic.name == '/clock' or (wanted and topic.name not in wanted):
                continue
            kind = message_class(topic.type)
            if kind is None:
                self.get_logger().warning(
                    f'{topic.name} is not played: the package of {topic.type} is not installed'
                )
                continue
            latched = topic.name.rpartition('/')[2] in _LATCHED
            profile = QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=_DEPTH,
                reliability=ReliabilityPolicy.RELIABLE,
                durability=DurabilityPolicy.TRANSIENT_LOCAL
                if latched
                else DurabilityPolicy.VOLATILE,
            )
            outputs[topic.name] = self.create_publisher(kind, topic.name, profile)
        return outputs

    def _records(self, start: int) -> Iterator[Record]:
        return self._reader.records(self._outputs, start)

    def _begin(self) -> None:
        now = time.monotonic()
        if not all(map(self._has_subscriber, self._awaited)):
            self._settled = now + _SETTLE_S
        elif now >= self._settled:
            self._waiting.cancel()
            self._started = True
            self._playback.start()

    def _has_subscriber(self, topic: str) -> bool:
        return any(map(self._count_subscribers, (topic, f'{topic}/compressed')))

    def _count_subscribers(self, topic: str) -> int:
        output = self._outputs.get(topic)
        count = self.count_subscribers(topic) if output is None else output.get_subscription_count()
        return int(count)

    def _show(self, record: Record) -> None:
        self._tell_time()
        self._outputs[record.topic.name].publish(bytes(to_cdr(record)))

    def _tell_time(self) -> None:
        if self._clock_publisher is None:
            return
        # Two threads tell it, and it must not go back by what lies between reading and telling.
        with self._telling:
            now = Time(nanoseconds=self._playback.now)
            self._clock_publisher.publish(Clock(clock=now.to_msg()))

    def _set_paused(
        self, paused: bool | None, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        self._playback.set_paused(not self._playback.paused if paused is None else paused)
        response.success = True
        response.message = 'paused' if self._playback.paused else 'playing'
        return response

    def _check_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        rules = {rule.name: rule for rule in PARAMETERS}
        for parameter in parameters:
            rule = rules.get(parameter.name)
            if rule is None:
                continue
            try:
                value: Any = rule.check(parameter.value)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
            if not rule.run_time:
                reason = f'{rule.name} cannot be changed at run time'
                return SetParametersResult(successful=False, reason=reason)
            if rule is RATE:
                self._playback.set_rate(value)
            elif rule is LOOP:
                self._playback.loop = value
            else:
                self._playback.jump(value)
        return SetParametersResult(successful=True)


def message_class(name: str) -> Any | None:
    """Return the class of a message type such as `sensor_msgs/msg/Image`, None if not installed."""
    package, _, kind = name.partition('/msg/')
    try:
        return getattr(import_module(f'{package}.msg'), kind, None)
    except ImportError:
        return None


def main(argv: list[str] | None = None) -> int:
    """Play to the end of the recording, SIGINT or SIGTERM; return 1 on an error."""
    if {'-h', '--help'} & set(argv or ()):
        print(usage('bag_player', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(argv) as process:
            player = BagPlayer()
            process.executor.add_node(player)
            while player.playing and not process.stop.is_set():
                process.executor.spin_once(timeout_sec=0.1)
            end = time.monotonic() + player.linger
            while time.monotonic() < end and not process.stop.is_set():
                process.executor.spin_once(timeout_sec=0.1)
            player.close()
    except (ArgumentsError, ParameterError, BagError, OSError) as error:
        print(f'bag_player: {error}', file=sys.stderr)
        return 1
    return 0
