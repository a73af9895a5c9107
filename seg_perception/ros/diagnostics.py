"""The node's health on /diagnostics, once a second in every state."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType

from seg_perception.inference.base import Status
from seg_perception.large_images import large_image_environment
from seg_perception.ros import qos
from seg_perception.ros.frame_counts import Drop, Latency, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rclpy.node import Node

PERIOD_S = 1.0
TOLERATED_LOSS = 0.05
"""Share of the images that may be lost before they reach the node without a warning."""


@dataclass(frozen=True)
class Health:
    """What is known of one camera of the node at one moment.

    :ivar now: on a steady clock, s.
    :ivar state: of the life cycle: unconfigured, inactive or active.
    :ivar runtime: what the runner is up to.
    :ivar frames_lost: estimate of the images that did not reach the node since it was configured.
    :ivar lost_share: estimate of their share among the last ones, 0 to 1.
    :ivar input_age: seconds since the last image arrived; None while not active.
    :ivar work_age: seconds that the frame at work has taken so far; 0 while there is none.
    :ivar watchdog: seconds after which a missing image or result is an error; 0: never.
    :ivar why_silent: called for the reason when images are missing.
    :ivar asked_in_vain: which output has listeners and cannot be made, and why; empty if none.
    :ivar unusable: why the newest frame is not to be driven by; empty if it is.
    :ivar failure: why the node cannot do its work; empty if it can.
    :ivar last_error: the latest message about a frame; empty if there was none.
    """

    now: float
    state: str
    topic: str = ''
    model: str = ''
    backend: str = ''
    runtime: Status = field(default_factory=Status)
    totals: Totals = field(default_factory=Totals)
    latency: Latency | None = None
    frames_lost: int = 0
    lost_share: float = 0.0
    input_age: float | None = None
    work_age: float = 0.0
    watchdog: float = 0.0
    why_silent: Callable[[], str] = str
    asked_in_vain: str = ''
    unusable: str = ''
    failure: str = ''
    last_error: str = ''


def judge(health: Health, before: Health) -> tuple[bytes, str]:
    """Return the level and the sentence for a health, given the one of the last period."""
    if health.failure:
        return DiagnosticStatus.ERROR, health.failure
    if health.state != 'active' or health.input_age is None:
        return DiagnosticStatus.OK, health.state
    if error := _error(health, health.input_age):
        return DiagnosticStatus.ERROR, error
    if warnings := list(_warnings(health, health.totals.since(before.totals))):
        return DiagnosticStatus.WARN, '; '.join(warnings)
    return DiagnosticStatus.OK, 'active'


def _error(health: Health, input_age: float) -> str:
    if health.watchdog and health.work_age > health.watchdog:
        return (
            f'the frame at work has taken {health.work_age:.1f} s so far: the network hangs or is '
            'too slow here; restart the node or choose a smaller model'
        )
    if health.watchdog and input_age > health.watchdog:
        return f'no image on {health.topic} for {input_age:.1f} s: {health.why_silent()}'
    if health.unusable:
        return f'not usable: {health.unusable}'
    return health.asked_in_vain


def _warnings(health: Health, new: Totals) -> Iterator[str]:
    faults = {reason: new.dropped[reason] for reason in (Drop.STALE, Drop.BAD)}
    if any(faults.values()):
        counts = ', '.join(f'{count} {reason.value}' for reason, count in faults.items())
        yield f'frames dropped: {counts}; last: {health.last_error}'
    if health.lost_share > TOLERATED_LOSS:
        yield (
            f'about {health.lost_share:.0%} of the images on {health.topic} are lost on their way: '
            f'start the camera driver with {_profile()} in its environment (docs/transport.md)'
        )
    if health.runtime.fault:
        yield health.runtime.fault


def to_status(name: str, health: Health, before: Health) -> DiagnosticStatus:
    """Return a health as a diagnostic status of that name."""
    level, message = judge(health, before)
    values = [KeyValue(key=key, value=value) for key, value in _values(health, before)]
    return DiagnosticStatus(
        level=level, name=name, message=message, hardware_id=health.topic, values=values
    )


class Diagnostics:
    """Publishes what `probe` returns: a status for each camera, by its name.

    The timer runs on the steady clock: it neither stops nor jumps with simulated time.
    """

    def __init__(self, node: Node, probe: Callable[[], Mapping[str, Health]]) -> None:
        self._node = node
        self._probe = probe
        self._name = node.get_fully_qualified_name().lstrip('/')
        self._before: dict[str, Health] = {}
        self._levels: dict[str, bytes] = {}
        self._runtime = Status()
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        self._remember(probe())
        node.create_timer(PERIOD_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _publish(self) -> None:
        healths = dict(self._probe())
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        for camera, health in healths.items():
            name = f'{self._name}: {camera or "segmentation"}'
            new = Health(now=health.now - PERIOD_S, state='unconfigured')
            status = to_status(name, health, self._before.get(camera, new))
            self._log_change(camera, health, status)
            self._levels[camera] = status.level
            array.status.append(status)
        self._remember(healths)
        self._publisher.publish(array)

    def _remember(self, healths: Mapping[str, Health]) -> None:
        self._before = dict(healths)
        runtime = next(iter(healths.values())).runtime
        self._log_runtime(runtime, self._runtime)
        self._runtime = runtime

    def _log_change(self, camera: str, health: Health, status: DiagnosticStatus) -> None:
        before = self._levels.get(camera, DiagnosticStatus.OK)
        if status.level == before or health.failure:  # failures were logged where they occurred
            return
        whose = f'{camera}: ' if camera else ''
        if status.level == DiagnosticStatus.ERROR:
            self._node.get_logger().error(whose + status.message)
        elif before == DiagnosticStatus.ERROR:
            self._node.get_logger().info(f'{whose}recovered: {status.message}')

    def _log_runtime(self, now: Status, before: Status) -> None:
        if now.fault and now.fault != before.fault:
            self._node.get_logger().warning(now.fault)
        for name, reason in now.passed_over.items():
            if before.passed_over.get(name) != reason and reason not in now.fault:
                self._node.get_logger().info(f'{name} is not used: {reason}')
        if (now.serving, now.preparing) != (before.serving, before.preparing) and now.serving:
            self._node.get_logger().info(str(now))


def _values(health: Health, before: Health) -> Iterator[tuple[str, str]]:
    elapsed = max(health.now - before.now, 1e-3)
    now = health.totals
    new = now.since(before.totals)
    yield 'state', health.state
    yield 'model', health.model
    yield 'backend', health.backend
    yield 'runtime', str(health.runtime)
    yield 'runtime_agreement', _share(health.runtime.agreement)
    passed_over = health.runtime.passed_over.items()
    yield 'passed_over', '; '.join(f'{name}: {reason}' for name, reason in passed_over)
    yield 'topic', health.topic
    yield 'rate_in_hz', f'{new.frames_in / elapsed:.1f}'
    yield 'rate_out_hz', f'{new.frames_out / elapsed:.1f}'
    yield 'latency_p50_ms', f'{health.latency.p50:.1f}' if health.latency else ''
    yield 'latency_p99_ms', f'{health.latency.p99:.1f}' if health.latency else ''
    yield 'frames_in', str(now.frames_in)
    yield 'frames_out', str(now.frames_out)
    for reason in Drop:
        yield f'dropped_{reason.value}', str(now.dropped[reason])
    yield 'frames_lost', str(health.frames_lost)
    yield 'lost_share', _share(health.lost_share)
    yield 'input_age_s', '' if health.input_age is None else f'{health.input_age:.2f}'
    yield 'unusable', health.unusable
    yield 'last_error', health.last_error


def _profile() -> str:
    """Return the variable that names the profile for large images, and its value."""
    distro = {'ROS_DISTRO': os.environ.get('ROS_DISTRO', '')}
    return '='.join(next(iter(large_image_environment(distro).items())))


def _share(share: float | None) -> str:
    return '' if share is None else f'{share:.4f}'
