"""The active node: camera in, mailbox, worker, results out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from seg_perception.ros.camera_input import CameraInput, ImageMessage
from seg_perception.ros.frame_counts import Drop, FrameCounts
from seg_perception.ros.mailbox import Mailbox
from seg_perception.ros.worker import Frame, Worker

if TYPE_CHECKING:
    from rclpy.node import Node

    from seg_perception.ros.complaints import Complaints
    from seg_perception.ros.node_parameters import NodeParameters
    from seg_perception.ros.pipeline import Pipeline
    from seg_perception.ros.publishers import Publishers


class Serving:
    """Serves the newest image of the camera from its construction to `stop`.

    An image that comes while nobody listens to any output is not looked at and not counted.
    """

    def __init__(
        self,
        node: Node,
        *,
        parameters: NodeParameters,
        pipeline: Pipeline,
        publishers: Publishers,
        counts: FrameCounts,
        complaints: Complaints,
    ) -> None:
        self._publishers = publishers
        self._counts = counts
        self._mailbox: Mailbox[Frame] = Mailbox()
        self.camera = CameraInput(
            node,
            transport=parameters.settings.transport,
            on_image=self._accept,
            complain=complaints.say,
        )
        try:
            self._worker = Worker(
                mailbox=self._mailbox,
                pipeline=pipeline,
                publishers=publishers,
                parameters=parameters,
                counts=counts,
                clock=node.get_clock(),
                complaints=complaints,
            )
        except RuntimeError:  # no more threads to be had
            self.camera.close()
            raise

    @property
    def work_age(self) -> float:
        """Seconds that the frame at work has taken so far; 0 while there is none."""
        return self._worker.work_age

    def stop(self) -> None:
        """Accept nothing more, and return when every accepted frame is out or dropped."""
        self.camera.close()
        self._worker.stop()

    def _accept(self, message: ImageMessage) -> None:
        arrived = time.perf_counter()
        wanted = self._publishers.wanted()
        if not wanted:
            return
        frame = Frame(message, info=self.camera.info, wanted=wanted, arrived=arrived)
        # Counted before the worker can see it, or it might count it out first.
        self._counts.arrived()
        if self._mailbox.put(frame):
            self._counts.dropped(Drop.BUSY)
