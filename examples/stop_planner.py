"""A planner as small as it can be: slows down and stops in front of what the free space shows.

    python3 examples/stop_planner.py --ros-args -r free_space:=/segmentation/free_space

Subscribes to `free_space` (seg_perception/FreeSpace) and publishes `cmd_vel`
(geometry_msgs/Twist: linear.x in m/s) 20 times a second. The speed is 0 while the frames are not
usable, and from the moment at which the newest of them is older than `watchdog` seconds, whatever
the reason: a dead camera, node or network. It drives straight ahead and knows nothing of lanes,
rules or what moves: something to begin with, not something to drive a car by.
"""

from __future__ import annotations

import numpy as np
import rclpy
from geometry_msgs.msg import Twist
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time

from seg_perception.msg import FreeSpace
from seg_perception.planner.speed import SpeedLimits, StopPlanner, look_ahead

PERIOD_S = 0.05


class StopPlannerNode(Node):
    """Turns free space into a speed; its parameters are the fields of `SpeedLimits`."""

    def __init__(self, **options: object) -> None:
        super().__init__('stop_planner', **options)
        defaults = vars(SpeedLimits())
        values = {name: self.declare_parameter(name, value) for name, value in defaults.items()}
        limits = SpeedLimits(**{name: float(each.value) for name, each in values.items()})
        self._planner = StopPlanner(limits)
        self._command = self.create_publisher(Twist, 'cmd_vel', 1)
        # What is lost is not worth being sent again: the next frame is newer.
        self.create_subscription(FreeSpace, 'free_space', self._see, qos_profile_sensor_data)
        self.create_timer(PERIOD_S, self._drive)

    def _see(self, message: FreeSpace) -> None:
        count = len(message.range)
        corridor = look_ahead(
            (message.origin_x, message.origin_y),
            message.angle_min + message.angle_increment * np.arange(count),
            np.asarray(message.near),
            np.asarray(message.range),
            np.asarray(message.range_error),
            half_width=self._planner.limits.half_width,
        )
        stamp = Time.from_msg(message.header.stamp).nanoseconds * 1e-9
        self._planner.see(stamp, corridor, usable=message.usable)

    def _drive(self) -> None:
        command = Twist()
        command.linear.x = self._planner.speed(self.get_clock().now().nanoseconds * 1e-9)
        self._command.publish(command)


def main() -> None:
    """Run until Ctrl-C."""
    rclpy.init()
    try:
        rclpy.spin(StopPlannerNode())
    except (KeyboardInterrupt, ExternalShutdownException):
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
