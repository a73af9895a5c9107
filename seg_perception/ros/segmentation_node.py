"""segmentation_node: camera images in, labels and masks out, as a managed (lifecycle) node."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from seg_perception.core.labels import load_label_set
from seg_perception.ros.camera import Camera
from seg_perception.ros.complaints import Complaints
from seg_perception.ros.diagnostics import Diagnostics, Health
from seg_perception.ros.frame_counts import Totals
from seg_perception.ros.grid_publisher import GridPublisher
from seg_perception.ros.label_info import LabelInfo
from seg_perception.ros.loading import load_runner, thread_policy
from seg_perception.ros.node_parameters import NodeParameters
from seg_perception.ros.process import ArgumentsError, Process, ros_process
from seg_perception.ros.serving import Serving
from seg_perception.ros.settings import RULES, read_defaults
from seg_perception.ros.thread_policy import ThreadPolicy
from seg_perception.ros.tool_parameters import usage
from seg_perception.ros.vehicle_frames import VehicleFrames

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.context import Context
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter

    from seg_perception.core.labels import LabelSet
    from seg_perception.inference.supervised import SupervisedRunner
    from seg_perception.ros.settings import Settings

_SUMMARY = """Segments the newest images of one or several cameras.
Input: image (or <image>/compressed), camera_info. Outputs, below the node's name: label,
confidence, drivable, obstacle, color, overlay (these two also as /compressed), camera_info, report;
free_space (also /scan, /points, /overlay) and obstacles if the camera is calibrated and its mount
known; of all cameras together drivable_grid, bird_eye, label_info; health on /diagnostics.
`-r image:=/my/camera/image_raw` connects it to a camera.
With `-p cameras:="[front, rear]"` all of them are below front/ and rear/."""

# How often the main thread looks for SIGINT and SIGTERM, which do not interrupt its waiting.
_SIGNAL_CHECK_S = 0.2


class SegmentationNode(LifecycleNode):
    """Segments the newest images of one or several cameras.

    Configure loads the model, activate subscribes, deactivate finishes the frames at hand, cleanup
    frees everything. A transition that fails leaves the node where it was, to be tried again.
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
            'segmentation',
            context=context,
            namespace=namespace,
            cli_args=cli_args,
            parameter_overrides=parameter_overrides,
            automatically_declare_parameters_from_overrides=True,
        )
        self._guarded = NodeParameters(self)
        self._failure = ''
        self._finalized = False
        self._policy = ThreadPolicy()
        self._runner: SupervisedRunner | None = None
        self._cameras: list[Camera] = []
        self._grid: GridPublisher | None = None
        self._offered = ExitStack()
        self._serving: Serving | None = None
        self._refuse_impossible_transitions()
        self._diagnostics = Diagnostics(self, self._health)
        self._autostart_timer = self.create_timer(
            0.0, self._autostart, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    @property
    def totals(self) -> Totals:
        """What became of the frames of all cameras since the node was configured."""
        return sum((camera.counts.totals for camera in self._cameras), Totals())

    @property
    def state(self) -> str:
        """The primary state: unconfigured, inactive, active or finalized."""
        if self._finalized:
            return 'finalized'
        if self._serving is not None:
            return 'active'
        return 'unconfigured' if self._runner is None else 'inactive'

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load label set, model and ego masks, and offer the outputs."""
        return self._attempt('configure', self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the cameras and start the threads that carry frames."""
        return self._attempt('activate', self._activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and finish the frames that were accepted."""
        return self._attempt('deactivate', self._stop_serving)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and withdraw the outputs."""
        return self._attempt('clean up', self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, from any state."""
        return self._attempt('shut down', self._shut_down)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, to be configured again."""
        return self._attempt('recover', self._release)

    def destroy_node(self) -> None:
        """Release everything and take the node from the graph."""
        self._release()
        super().destroy_node()

    def _refuse_impossible_transitions(self) -> None:
        # rclpy lets the process end when a transition is asked for that the state does not have.
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = partial(self._change_state, service.callback)

    def _change_state(
        self,
        change: Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response],
        request: ChangeState.Request,
        response: ChangeState.Response,
    ) -> ChangeState.Response:
        try:
            return change(request, response)
        except RuntimeError as error:
            self.get_logger().error(f'transition refused in state {self.state}: {error}')
            response.success = False
            return response

    def _attempt(self, what: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            action()
        except Exception as error:  # noqa: BLE001  (rclpy would swallow it without a word)
            told = isinstance(error, (ValueError, RuntimeError, OSError)) and str(error)
            self._failure = f'cannot {what}: {told or repr(error)}'
            self.get_logger().error(self._failure)
            return TransitionCallbackReturn.FAILURE
        self._failure = ''
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        begun = time.perf_counter()
        by_camera = self._guarded.configure()
        try:
            settings = self._guarded.settings
            labels = load_label_set(settings.label_set)
            self._policy = thread_policy(settings)
            # Threads of the runtime inherit the policy of the one that loads.
            self._runner = self._policy.run(partial(load_runner, settings, labels, len(by_camera)))
            self._offer(settings, labels, by_camera)
        except Exception:
            self._release()
            raise
        self.get_logger().info(
            f'model {self._runner.model} on {self._runner.backend} loaded in '
            f'{time.perf_counter() - begun:.1f} s'
        )

    def _offer(self, settings: Settings, labels: LabelSet, by_camera: dict[str, Settings]) -> None:
        frames = VehicleFrames(
            self,
            settings.base_frame,
            settings.ground_z,
            listen=any(own.mount is None for own in by_camera.values()),
        )
        self._offered.callback(frames.close)
        self._offered.callback(LabelInfo(self, labels, settings.label_min_confidence).close)
        self._grid = GridPublisher(self, settings, frames)
        self._offered.callback(self._grid.publishers.close)
        for name, own in by_camera.items():
            self._cameras.append(Camera(self, name, own, labels, frames))
            self._offered.callback(self._cameras[-1].close)

    def _activate(self) -> None:
        if self._runner is None or self._grid is None:
            raise RuntimeError('the node is not configured')
        self._serving = Serving(
            self,
            self._cameras,
            runner=self._runner,
            parameters=self._guarded,
            policy=self._policy,
            grid=self._grid,
        )
        for camera in self._serving.inputs:
            self.get_logger().info(f'segmenting the images of {camera.topic}')

    def _stop_serving(self) -> None:
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
            for camera in self._cameras:
                whose = f'{camera.name}: ' if camera.name else ''
                self.get_logger().info(f'{whose}{camera.counts.totals}')

    def _release(self) -> None:
        self._stop_serving()
        self._offered.close()
        self._cameras, self._grid = [], None
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        self._guarded.configured = False

    def _shut_down(self) -> None:
        self._release()
        self._finalized = True

    def _autostart(self) -> None:
        self.destroy_timer(self._autostart_timer)
        if not self.get_parameter('autostart').value or self.state != 'unconfigured':
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _health(self) -> dict[str, Health]:
        """Return the health of each camera, by its name."""
        now, state, runner, serving = time.monotonic(), self.state, self._runner, self._serving
        if runner is None:
            unloaded = Health(now=now, state=state, failure=self._failure)
            return dict.fromkeys(self.get_parameter('cameras').value or [''], unloaded)
        shared = Health(
            now=now,
            state=state,
            model=runner.model,
            backend=runner.backend,
            runtime=runner.status,
            failure=self._failure or runner.failure,
        )
        health = {camera.name: camera.health(shared) for camera in self._cameras}
        return health if serving is None else serving.health(health)


def main(argv: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    argv = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(argv):
        defaults = {RULES[name]: value for name, value in read_defaults().items()}
        print(usage('segmentation_node', _SUMMARY, defaults))
        return 0
    try:
        with ros_process(argv) as process:
            serve(process)
    except ArgumentsError as error:
        print(f'segmentation_node: {error}', file=sys.stderr)
        return 2
    return 0


def serve(process: Process, cli_args: list[str] | None = None) -> None:
    """Run one node, with ROS arguments of its own, until the process is asked to end."""
    node = SegmentationNode(cli_args=cli_args)
    complaints = Complaints(node.get_logger().error)
    process.executor.add_node(node)
    while not process.stop.is_set():
        try:
            process.executor.spin_once(timeout_sec=_SIGNAL_CHECK_S)
        except Exception as error:  # noqa: BLE001  (rclpy raises over a malformed request)
            complaints.say(f'a callback failed: {error!r}')
    if node.state != 'finalized':
        node.trigger_shutdown()
    node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
