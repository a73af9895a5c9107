"""scene_camera: a made-up street, a folder of images or a video, as a camera."""

from __future__ import annotations

import sys
import time
from typing import TypeAlias

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from seg_perception.ros import qos
from seg_perception.ros.frame_player import FramePlayer
from seg_perception.ros.image_messages import image_message, jpeg_message
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, Process, ros_process
from seg_perception.ros.tool_parameters import declare, usage
from seg_perception.sim.camera_model import Intrinsics
from seg_perception.sim.sources import SourceError, SourceFrame, open_source

PARAMETERS: dict[Rule, Value] = {
    Rule('source', str, 'scene (a made-up street), a folder of images, or a video file.'): 'scene',
    Rule('width', int, 'Pixels; of the made-up street.', low=64, high=8192): 1280,
    Rule('height', int, 'Pixels; of the made-up street.', low=64, high=8192): 720,
    Rule('seed', int, 'Of the made-up street.', low=0, high=999_999): 0,
    Rule('rate', float, 'Frames per second.', low=0.1, high=240): 10.0,
    Rule('loop', bool, 'Begin again at the end of a folder or video.'): True,
    Rule('frames', int, 'End after so many frames; 0: never.', low=0, high=999_999): 0,
    Rule('frame_id', str, 'Coordinate frame of the images (REP-105).'): 'camera_optical_frame',
    Rule('compressed', bool, 'Publish image_raw/compressed (JPEG) too.'): False,
    Rule(
        'wait_for_subscribers',
        int,
        'Hold the first frame until image_raw has so many subscribers.',
        low=0,
        high=100,
    ): 0,
    Rule('play', bool, 'False holds the first frame; true begins.', run_time=True): True,
}

IMAGE, COMPRESSED, INFO, TRUTH = 'image_raw', 'image_raw/compressed', 'camera_info', 'truth/label'

Message: TypeAlias = Image | CompressedImage | CameraInfo
Messages: TypeAlias = dict[str, Message]

# Offered reliably, which serves best-effort consumers too; a few frames are kept to be sent again.
CAMERA = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE
)

_JPEG_QUALITY = 90
_LINGER_S = 0.5


class SceneCamera(Node):
    """Publishes the frames of a source at a steady rate.

    The stamps lie exactly one period apart (more where frames were skipped), so that a consumer
    sees the cadence of the camera and not that of this machine's scheduler.

    :raises ParameterError, SourceError: in one sentence.
    """

    def __init__(
        self,
        *,
        context: Context | None = None,
        namespace: str | None = None,
        cli_args: list[str] | None = None,
        parameter_overrides: list[Parameter] | None = None,
    ) -> None:
        super().__init__(
            'scene_camera',
            context=context,
            namespace=namespace,
            cli_args=cli_args,
            parameter_overrides=parameter_overrides,
        )
        self._values = values = declare(self, PARAMETERS)
        self._source = open_source(
            values['source'],
            width=values['width'],
            height=values['height'],
            rate=values['rate'],
            seed=values['seed'],
            loop=values['loop'],
        )
        if self._source.mount is not None:
            height, pitch = self._source.mount
            self.get_logger().info(
                f'mounted as -p mount_height:={height:.3f} -p mount_pitch:={pitch:.4f}'
            )
        self._outputs = {
            topic: self.create_publisher(kind, topic, CAMERA)
            for topic, kind, offered in (
                (IMAGE, Image, True),
                (COMPRESSED, CompressedImage, values['compressed']),
                (INFO, CameraInfo, self._source.intrinsics is not None),
                (TRUTH, Image, self._source.has_truth),
            )
            if offered
        }
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        self._base: int | None = None
        self._player: FramePlayer[Messages] = FramePlayer(self._make, self._show, values['rate'])
        self.add_on_set_parameters_callback(self._check_parameters)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._waiting = self.create_timer(0.05, self._begin, clock=steady)
        self.create_timer(1.0, self._tell, clock=steady)

    @property
    def playing(self) -> bool:
        """Whether frames are still to come.

        :raises SourceError: when a frame could not be made.
        """
        return self._player.playing

    def close(self) -> None:
        """Stop, report the totals and wait a moment for what is still on its way."""
        self._player.stop()
        self._tell()
        for publisher in (self._diagnostics, *self._outputs.values()):
            publisher.wait_for_all_acked(Duration(seconds=_LINGER_S))
        # A best-effort consumer acknowledges nothing, and what it has not fetched goes with us.
        time.sleep(_LINGER_S)
        self.get_logger().info(
            f'published {self._player.shown} frames, skipped {self._player.skipped}'
        )

    def _check_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == 'play' and parameter.value is True:
                continue
            if parameter.name in self._values:
                reason = f'{parameter.name} cannot be changed to {parameter.value!r} at run time'
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _begin(self) -> None:
        subscribed = self._outputs[IMAGE].get_subscription_count()
        if self.get_parameter('play').value and subscribed >= self._values['wait_for_subscribers']:
            self._waiting.cancel()
            self._player.start()

    def _make(self, tick: int) -> Messages | None:
        frame = self._source.frame(tick)
        if frame is None:
            return None
        return {topic: self._message(topic, frame) for topic in self._outputs}

    def _message(self, topic: str, frame: SourceFrame) -> Message:
        lens = self._source.intrinsics
        if topic == INFO and lens is not None:
            return _camera_info(lens, self._source.size)
        if topic == TRUTH and frame.label is not None:
            return image_message(Header(), frame.label)
        if topic == COMPRESSED:
            return jpeg_message(Header(), frame.bgr, _JPEG_QUALITY)
        return image_message(Header(), frame.bgr)

    def _show(self, messages: Messages, tick: int) -> None:
        header = Header(stamp=self._stamp(tick).to_msg(), frame_id=self._values['frame_id'])
        for topic, message in messages.items():
            message.header = header
            self._outputs[topic].publish(message)
        if self._player.shown == self._values['frames']:
            self._player.stop()

    def _stamp(self, tick: int) -> Time:
        """Return the time at which a tick is due, on the node's clock."""
        clock = self.get_clock()
        period = round(1e9 / self._values['rate'])
        now = clock.now().nanoseconds
        if self._base is None or abs(now - self._base - tick * period) > period:
            # The first frame, or the clock was set or has drifted from the steady one.
            self._base = now - tick * period
        return Time(nanoseconds=self._base + tick * period, clock_type=clock.clock_type)

    def _tell(self) -> None:
        player = self._player
        values = {
            'source': self._values['source'],
            'frames_published': str(player.shown),
            'frames_skipped': str(player.skipped),
        }
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK,
            name=f'{self.get_fully_qualified_name().lstrip("/")}: camera',
            message='playing' if player.shown else 'waiting',
            hardware_id=self._values['source'],
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def _camera_info(lens: Intrinsics, size: tuple[int, int]) -> CameraInfo:
    return CameraInfo(
        width=size[0],
        height=size[1],
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[lens.fx, 0.0, lens.cx, 0.0, lens.fy, lens.cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[lens.fx, 0.0, lens.cx, 0.0, 0.0, lens.fy, lens.cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def play(process: Process, cli_args: list[str] | None = None) -> None:
    """Run one camera, with ROS arguments of its own, until its end or that of the process.

    :raises ParameterError, SourceError: in one sentence.
    """
    camera = SceneCamera(cli_args=cli_args)
    process.executor.add_node(camera)
    while camera.playing and not process.stop.is_set():
        process.executor.spin_once(timeout_sec=0.1)
    camera.close()
    camera.destroy_node()


def main(argv: list[str] | None = None) -> int:
    """Play until the end of the source, `frames`, SIGINT or SIGTERM; return 1 on an error."""
    if {'-h', '--help'} & set(argv or ()):
        print(usage('scene_camera', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(argv) as process:
            play(process)
    except (ArgumentsError, ParameterError, SourceError) as error:
        print(f'scene_camera: {error}', file=sys.stderr)
        return 1
    return 0
