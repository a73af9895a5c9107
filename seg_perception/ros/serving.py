"""The active node: cameras in, mailbox, three stages, results out."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rclpy.clock import Clock, ClockType

from seg_perception.ros.camera_input import CameraInput, ImageMessage
from seg_perception.ros.frame_age import seconds
from seg_perception.ros.frame_counts import Drop
from seg_perception.ros.handover import Handover
from seg_perception.ros.mailbox import Mailbox
from seg_perception.ros.publish_stage import Publish
from seg_perception.ros.stage import Stage
from seg_perception.ros.stages import Batch, Frame, Infer, Prepare, Segmented

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rclpy.node import Node

    from seg_perception.inference.supervised import SupervisedRunner
    from seg_perception.ros.camera import Camera
    from seg_perception.ros.diagnostics import Health
    from seg_perception.ros.grid_publisher import GridPublisher
    from seg_perception.ros.node_parameters import NodeParameters
    from seg_perception.ros.thread_policy import ThreadPolicy

LOOK_PERIOD_S = 0.25
"""How often it is looked at what the cameras publish."""


class Serving:
    """Serves the newest images of the cameras from its construction to `stop`.

    Each stage holds one batch, and between two stages lies one at most: nothing queues. An image
    that comes while nobody listens to any output of its camera is not looked at and not counted.

    :raises RuntimeError: when topics cannot be subscribed to or threads cannot be had; nothing is
        left of it then.
    """

    def __init__(
        self,
        node: Node,
        cameras: Sequence[Camera],
        *,
        runner: SupervisedRunner,
        parameters: NodeParameters,
        policy: ThreadPolicy,
        grid: GridPublisher,
    ) -> None:
        self._node = node
        self._grid = grid
        self._cameras = cameras
        self._parameters = parameters
        self._mailbox: Mailbox[Frame] = Mailbox(len(cameras))
        self._prepared: Handover[Batch] = Handover(kind=lambda batch: len(batch.frames))
        most = parameters.settings.max_batch or len(cameras)
        self._most = min(most, len(cameras))
        self._prepare = Prepare(runner, parameters, node.get_clock(), self._most)
        segmented: Handover[Segmented] = Handover()
        self._stages: tuple[Stage[Any, Any], ...] = (
            Stage(
                'prepare',
                take=self._take,
                work=self._prepare,
                fail=_drop_all,
                give=self._prepared,
                policy=policy,
            ),
            Stage(
                'inference',
                take=self._prepared.take,
                work=Infer(runner),
                fail=lambda batch, error: _drop_all(_frames_of(batch), error),
                give=segmented,
                policy=policy,
            ),
            Stage(
                'publish',
                take=segmented.take,
                work=Publish(node.get_clock(), grid),
                fail=lambda done, error: _drop_all(_frames_of(done.batch), error),
                give=None,
                policy=policy,
            ),
        )
        self.inputs: list[CameraInput] = []
        """Of the cameras, in their order."""
        try:
            for number, camera in enumerate(cameras):
                camera.lost.begin()
                self.inputs.append(
                    CameraInput(
                        node,
                        name=camera.name,
                        transport=camera.settings.transport,
                        on_image=partial(self._accept, number),
                        complain=camera.complaints.say,
                    )
                )
            for stage in self._stages:
                stage.start()
        except RuntimeError:
            self._finish()
            raise
        self._timer = node.create_timer(
            LOOK_PERIOD_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def health(self, idle: Mapping[str, Health]) -> dict[str, Health]:
        """Return the health of each camera, by its name, given that of an inactive one."""
        now = time.monotonic()
        work_age = max(stage.work_age for stage in self._stages)
        return {
            camera.name: replace(
                idle[camera.name],
                asked_in_vain=camera.asked_in_vain(),
                unusable=camera.ground.unusable,
                topic=images.topic,
                input_age=now - images.last_arrival,
                work_age=work_age,
                watchdog=self._parameters.settings.watchdog,
                why_silent=images.why_silent,
            )
            for camera, images in zip(self._cameras, self.inputs, strict=True)
        }

    def stop(self) -> None:
        """Accept nothing more, and return when every accepted frame is out or dropped."""
        self._node.destroy_timer(self._timer)
        self._finish()

    def _finish(self) -> None:
        for camera_input in self.inputs:
            camera_input.close()
        self._mailbox.close()
        for stage in self._stages:
            stage.join()

    def _accept(self, number: int, message: ImageMessage) -> None:
        arrived = time.perf_counter()
        camera = self._cameras[number]
        camera.lost.came(seconds(message.header.stamp))
        wanted = camera.publishers.wanted() | self._grid.publishers.wanted()
        if not wanted:
            return
        frame = Frame(camera, message, self.inputs[number].info, wanted, arrived)
        # Counted before a thread can see it, or that might count it out first.
        camera.counts.arrived()
        if self._mailbox.put(frame, number):
            camera.counts.dropped(Drop.BUSY)

    def _look(self) -> None:
        for camera_input in self.inputs:
            camera_input.look()
        self._grid.look()

    def _take(self) -> list[Frame] | None:
        """Wait for the moment to prepare frames, and return the newest of each camera."""
        self._prepared.await_need(self._prepare.lead_s)
        return self._mailbox.take(self._fitting()) or None

    def _fitting(self) -> int:
        """Return how many frames may go through the network together.

        A frame waits for the batch before its own and goes through with its own. Both shall take
        half of `max_age` at most: a slow network would make nothing but stale frames.
        """
        last, max_age = self._prepared.last, self._parameters.settings.max_age
        if last is None or not max_age:
            return self._most
        frames, taken = last
        return max(1, min(self._most, int(frames * max_age / 4 / max(taken, 1e-6))))


def _frames_of(batch: Batch) -> list[Frame]:
    return [prepared.frame for prepared in batch.frames]


def _drop_all(frames: Iterable[Frame], error: Exception) -> None:
    for frame in frames:
        frame.drop(error)
