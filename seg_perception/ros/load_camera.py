"""load_camera: a camera without work of its own, to measure what its images meet.

The images are made beforehand, and stamped and numbered when they are published.
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from seg_perception.ros.frame_player import FramePlayer
from seg_perception.ros.image_messages import jpeg_message
from seg_perception.ros.load_protocol import ENCODINGS, JPEG, PLAYING, frame_id
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, ros_process
from seg_perception.ros.tool_parameters import declare, usage
from seg_perception.sim.sources import open_source

_FROM_BGR = {
    'rgb8': cv2.COLOR_BGR2RGB,
    'bgra8': cv2.COLOR_BGR2BGRA,
    'rgba8': cv2.COLOR_BGR2RGBA,
    'mono8': cv2.COLOR_BGR2GRAY,
}

PARAMETERS: dict[Rule, Value] = {
    Rule('width', int, 'Pixels.', low=16, high=8192): 1280,
    Rule('height', int, 'Pixels.', low=16, high=8192): 720,
    Rule(
        'encoding',
        str,
        f'Of the images on `image`; {JPEG}: on `image/compressed`.',
        choices=ENCODINGS,
    ): 'rgb8',
    Rule('rate', float, 'Frames per second.', low=0.1, high=2000): 10.0,
    Rule('reliable', bool, 'Offer the images reliably; else best effort.'): True,
    Rule('pictures', int, 'Different images, shown in turn.', low=1, high=100): 3,
    Rule('run', int, 'How often this camera was started before.', low=0, high=999_999): 0,
    Rule('output', str, 'File for the counts at the end (JSON); empty: none.'): '',
}

_SETTLE_S = 1.5
"""Discovery is mutual, and a subscriber may subscribe anew when it has seen what is offered."""
_LINGER_S = 0.3


class LoadCamera(Node):
    """Publishes prepared images at a steady rate, from the first subscriber on.

    :raises ParameterError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('load_camera')
        self._values = values = declare(self, PARAMETERS)
        compressed = values['encoding'] == JPEG
        offered = (
            ReliabilityPolicy.RELIABLE if values['reliable'] else ReliabilityPolicy.BEST_EFFORT
        )
        self._publisher = self.create_publisher(
            CompressedImage if compressed else Image,
            'image/compressed' if compressed else 'image',
            QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=offered),
        )
        self._messages = [
            load_message(picture, values['encoding'])
            for picture in _pictures(values['width'], values['height'], values['pictures'])
        ]
        self._player: FramePlayer[int] = FramePlayer(lambda tick: tick, self._show, values['rate'])
        self._subscribed: float | None = None
        self._waiting = self.create_timer(
            0.05, self._begin, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    @property
    def playing(self) -> bool:
        """Whether frames are still to come.

        :raises Exception: what publishing raised.
        """
        return self._player.playing

    def close(self) -> None:
        """Stop, wait a moment for what is still on its way and write the counts."""
        self._player.stop()
        self._publisher.wait_for_all_acked(Duration(seconds=_LINGER_S))
        # A best-effort consumer acknowledges nothing, and what it has not fetched goes with us.
        time.sleep(_LINGER_S)
        counts = {'published': self._player.shown, 'skipped': self._player.skipped}
        if self._values['output']:
            Path(self._values['output']).write_text(json.dumps(counts), encoding='utf-8')

    def _begin(self) -> None:
        now = time.monotonic()
        if not self._publisher.get_subscription_count():
            self._subscribed = None
        elif self._subscribed is None:
            self._subscribed = now
        elif now - self._subscribed >= _SETTLE_S:
            self._waiting.cancel()
            self._player.start()
            print(PLAYING, flush=True)

    def _show(self, tick: int, _: int) -> None:
        message = self._messages[tick % len(self._messages)]
        name = frame_id(self._values['run'], self._player.shown - 1)
        message.header = Header(stamp=self.get_clock().now().to_msg(), frame_id=name)
        self._publisher.publish(message)


def load_message(picture: npt.NDArray[np.uint8], encoding: str) -> Image | CompressedImage:
    """Return a BGR picture, uint8 [H, W, 3], as a message in an encoding of this camera."""
    if encoding == JPEG:
        return jpeg_message(Header(), picture, 90)
    pixels = cv2.cvtColor(picture, _FROM_BGR[encoding]) if encoding in _FROM_BGR else picture
    data = array('B')
    data.frombytes(np.ascontiguousarray(pixels).data)
    height, width = picture.shape[:2]
    return Image(height=height, width=width, encoding=encoding, step=len(data) // height, data=data)


def _pictures(width: int, height: int, count: int) -> list[npt.NDArray[np.uint8]]:
    """Return BGR images of the made-up street."""
    street = open_source('scene', width=640, height=360, rate=1.0)
    frames = [street.frame(index) for index in range(count)]
    return [
        np.asarray(cv2.resize(frame.bgr, (width, height)), np.uint8) for frame in frames if frame
    ]


def main(argv: list[str] | None = None) -> int:
    """Play until SIGINT or SIGTERM; return 1 on an error."""
    arguments = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(arguments):
        print(usage('load_camera', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(arguments) as process:
            camera = LoadCamera()
            process.executor.add_node(camera)
            while camera.playing and not process.stop.is_set():
                process.executor.spin_once(timeout_sec=0.1)
            camera.close()
    except (ArgumentsError, ParameterError, OSError) as error:
        print(f'load_camera: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
