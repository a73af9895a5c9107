"""Two processes: `sender` publishes large images, `echo` confirms each that arrives."""

from __future__ import annotations

import sys
import time
from array import array

import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header

WIDTH, HEIGHT = 2048, 1024
FRAMES = 5
PATIENCE_S = 20.0


def echo() -> None:
    """Confirm every image by its header until interrupted."""
    node = rclpy.create_node('echo')
    seen = node.create_publisher(Header, 'seen', 10)
    node.create_subscription(
        Image, 'image', lambda image: seen.publish(image.header), qos_profile_sensor_data
    )
    rclpy.spin(node)


def sender() -> None:
    """Send images best effort, each when the one before has arrived; print how many did."""
    node = rclpy.create_node('sender')
    publisher = node.create_publisher(Image, 'image', qos_profile_sensor_data)
    arrived: set[str] = set()
    node.create_subscription(Header, 'seen', lambda header: arrived.add(header.frame_id), 10)
    image = Image(height=HEIGHT, width=WIDTH, encoding='rgb8', step=3 * WIDTH)
    image.data = array('B', bytes(3 * WIDTH * HEIGHT))
    # Counted only once both ways are open: what is sent before is lost without fault.
    image.header.frame_id = 'hello'
    deadline = time.monotonic() + PATIENCE_S
    while 'hello' not in arrived:
        if time.monotonic() > deadline:
            sys.exit('found no echo')
        publisher.publish(image)
        rclpy.spin_once(node, timeout_sec=0.5)
    for number in range(FRAMES):
        image.header.frame_id = str(number)
        publisher.publish(image)
        deadline = time.monotonic() + PATIENCE_S
        while str(number) not in arrived and time.monotonic() < deadline:
            rclpy.spin_once(node, timeout_sec=0.1)
    print(len(arrived - {'hello'}))


if __name__ == '__main__':
    rclpy.init()
    {'echo': echo, 'sender': sender}[sys.argv[1]]()
