from __future__ import annotations

import struct

import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from seg_perception.ros.load_monitor import parse_header
from seg_perception.ros.load_protocol import frame_id, parse_frame_id


def test_the_header_of_a_serialised_image_is_read_as_it_lies() -> None:
    header = Header(stamp=Time(sec=1_795_398_453, nanosec=999_999_999), frame_id=frame_id(3, 1234))
    message = serialize_message(Image(header=header, encoding='mono8', data=[1, 2, 3]))
    stamp, name = parse_header(message)
    assert stamp == 1_795_398_453_999_999_999
    assert parse_frame_id(name) == (3, 1234)


@pytest.mark.parametrize(('order', 'encapsulation'), [('<', b'\0\1\0\0'), ('>', b'\0\0\0\0')])
def test_both_byte_orders_are_understood(order: str, encapsulation: bytes) -> None:
    body = struct.pack(f'{order}iII4s', 5, 7, 4, b'0:9\0')
    assert parse_header(encapsulation + body) == (5_000_000_007, '0:9')


def test_a_frame_of_another_camera_has_no_number() -> None:
    with pytest.raises(ValueError, match='invalid literal'):
        parse_frame_id('camera_optical_frame')
