"""segmentation_node: camera images in, labels and masks out, as a managed (lifecycle) node."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from seg_perception.ros.complaints import Complaints
from seg_perception.ros.diagnostics import Diagnostics, Health
from seg_perception.ros.frame_counts import FrameCounts, Totals
from seg_perception.ros.node_parameters import NodeParameters
from seg_perception.ros.pipeline import Pipeline
from seg_perception.ros.process import ArgumentsError, Process, ros_process
from seg_perception.ros.publishers import Publishers
from seg_perception.ros.serving import Serving
from seg_perception.ros.settings import RULES, read_defaults
from seg_perception.ros.tool_parameters import usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.context import Context
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter

_SUMMARY = """Segments the newest image of a camera.
Input: image (or <image>/compressed), camera_info. Outputs, below the node's name: label,
confidence, drivable, obstacle, color, overlay (these two also as /compressed), camera_info, report;
health on /diagnostics. `-r image:=/my/camera/image_raw` connects it to a camera."""

# How often the main thread looks for SIGINT and SIGTERM, which do not interrupt its waiting.
_SIGNAL_CHECK_S = 0.2


class SegmentationNode(LifecycleNode):
    """Segments the newest image of one camera.

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
        self._complaints = Complaints(self.get_logger().error)
        self._counts = FrameCounts()
        self._failure = ''
        self._finalized = False
        self._pipeline: Pipeline | None = None
        self._outputs: Publishers | None = None
        self._serving: Serving | None = None
        self._refuse_impossible_transitions()
        self._diagnostics = Diagnostics(self, self._health)
        self._autostart_timer = self.create_timer(
            0.0, self._autostart, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    @property
    def totals(self) -> Totals:
        """What became of the frames since the node was configured."""
        return self._counts.totals

    @property
    def state(self) -> str:
        """The primary state: unconfigured, inactive, active or finalized."""
        if self._finalized:
            return 'finalized'
        if self._serving is not None:
            return 'active'
        return 'unconfigured' if self._pipeline is None else 'inactive'

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load label set, model and ego mask, and offer the outputs."""
        return self._attempt('configure', self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the camera and start the inference thread."""
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
        pipeline = Pipeline(self._guarded.settings)
        self._outputs = Publishers(self, pipeline.unmade)
        self._pipeline = pipeline
        self._guarded.configured = True
        self._counts = FrameCounts()
        self.get_logger().info(
            f'model {pipeline.model} on {pipeline.backend} loaded in '
            f'{time.perf_counter() - begun:.1f} s'
        )

    def _activate(self) -> None:
        if self._pipeline is None or self._outputs is None:
            raise RuntimeError('the node is not configured')
        self._serving = Serving(
            self,
            parameters=self._guarded,
            pipeline=self._pipeline,
            publishers=self._outputs,
            counts=self._counts,
            complaints=self._complaints,
        )
        self.get_logger().info(f'segmenting the images of {self._serving.camera.topic}')

    def _stop_serving(self) -> None:
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
            totals = self._counts.totals
            drops = ', '.join(f'{count} {drop.value}' for drop, count in totals.dropped.items())
            self.get_logger().info(
                f'frames in: {totals.frames_in}, out: {totals.frames_out}, dropped: {drops}'
            )

    def _release(self) -> None:
        self._stop_serving()
        if self._outputs is not None:
            self._outputs.close()
            self._outputs = None
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None
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

    def _health(self) -> Health:
        now = time.monotonic()
        health = Health(
            now=now,
            state=self.state,
            totals=self._counts.totals,
            latency=self._counts.latency,
            failure=self._failure,
            last_error=self._complaints.last,
        )
        pipeline, serving = self._pipeline, self._serving
        if pipeline is not None:
            health = replace(
                health,
                model=pipeline.model,
                backend=pipeline.backend,
                runtime=pipeline.status,
                failure=self._failure or pipeline.failure,
            )
        if serving is not None and self._outputs is not None:
            health = replace(
                health,
                asked_in_vain=self._outputs.asked_in_vain(),
                topic=serving.camera.topic,
                input_age=now - serving.camera.last_arrival,
                work_age=serving.work_age,
                watchdog=self._guarded.settings.watchdog,
                why_silent=serving.camera.why_silent,
            )
        return health


def main(argv: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    argv = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(argv):
        defaults = {RULES[name]: value for name, value in read_defaults().items()}
        print(usage('segmentation_node', _SUMMARY, defaults))
        return 0
    try:
        with ros_process(argv) as process:
            _serve(process)
    except ArgumentsError as error:
        print(f'segmentation_node: {error}', file=sys.stderr)
        return 2
    return 0


def _serve(process: Process) -> None:
    node = SegmentationNode()
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
