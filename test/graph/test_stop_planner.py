"""The example planner beside the node on a live graph: it drives, stops, and stops blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from geometry_msgs.msg import Twist

from examples.stop_planner import StopPlannerNode
from test.graph.bench import Bench
from test.graph.spinner import RELIABLE, Inbox, Spinner, wait_until
from test.graph.test_node_ground import GROUND, info, street
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WATCHDOG = ['-p', 'watchdog:=2.0', '-r', 'free_space:=segmentation/free_space']


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    planner = Spinner(
        lambda context: StopPlannerNode(context=context, cli_args=['--ros-args', *WATCHDOG])
    )
    # Nothing here is like what a camera sees next.
    steady = {'max_change': 1.0, 'good_frames': 1}
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx'), **steady, **GROUND) as bench:
        bench.activate()
        bench.await_listeners('free_space', 1)
        bench.send_info(info())
        yield bench
    planner.close()


def test_it_drives_where_it_is_free_and_stops_where_not_dark_or_silent(bench: Bench) -> None:
    commands = Inbox()
    bench.tester.create_subscription(Twist, 'cmd_vel', commands.append, RELIABLE)

    def await_speed(low: float, high: float, what: str) -> None:
        wait_until(lambda: bool(commands) and low <= commands[-1].linear.x <= high, what)

    await_speed(0, 0, 'standstill before the first frame')
    bench.send(street(car=False))
    await_speed(7, 8, 'the speed of a free road')
    bench.send(street())
    await_speed(0.5, 5, 'a lower speed towards the car')
    close = street()
    close[16:60, 32:96] = street()[20, 64]
    bench.send(close)
    await_speed(0, 0, 'standstill before the car')
    bench.send(street(car=False))
    await_speed(7, 8, 'the speed of a free road')
    bench.send(np.zeros_like(street()))
    await_speed(0, 0, 'standstill in the dark')
    bench.send(street(car=False))
    await_speed(7, 8, 'the speed of a free road')
    await_speed(0, 0, 'standstill without frames')
    assert all(0 <= command.linear.x <= 8 for command in commands)
    assert not any(command.angular.z for command in commands)
