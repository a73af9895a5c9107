"""The last step of a frame: what is wanted of labels is made and published."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from seg_perception.core.products import DRIVABLE
from seg_perception.ros.camera_info import info_for_masks
from seg_perception.ros.frame_age import age_of, check_age, seconds
from seg_perception.ros.ground_outputs import OF_ALL_CAMERAS, ground_messages
from seg_perception.ros.image_messages import MessageMemory, jpeg_message
from seg_perception.ros.publishers import CAMERA_INFO, COMPRESSED, REPORT
from seg_perception.ros.report import frame_report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rclpy.clock import Clock

    from seg_perception.core.ground.health import Health
    from seg_perception.msg import FrameReport
    from seg_perception.ros.camera_ground import Sight
    from seg_perception.ros.grid_publisher import GridPublisher
    from seg_perception.ros.stages import Frame, Prepared, Segmented

    Image = npt.NDArray[np.uint8]


class Publish:
    """Makes what is wanted of labels, and publishes it."""

    def __init__(self, clock: Clock, grid: GridPublisher) -> None:
        self._clock = clock
        self._grid = grid

    def __call__(self, segmented: Segmented) -> None:
        """Publish the frames of a batch."""
        seen = False
        for number, prepared in enumerate(segmented.batch.frames):
            try:
                seen |= self._publish(prepared, segmented, number)
            except Exception as error:  # noqa: BLE001  (the others of the batch go on)
                prepared.frame.drop(error)
        if seen:
            self._grid.publish()

    def _publish(self, prepared: Prepared, segmented: Segmented, number: int) -> bool:
        """Publish a frame, and return whether it is in the grid."""
        begun = time.perf_counter()
        frame, prediction = prepared.frame, segmented.prediction
        settings = segmented.batch.settings
        header, camera = frame.message.header, frame.camera
        # It may have become too old on its way through the network.
        check_age(header.stamp, self._clock, settings.max_age)
        label = prediction.label[number]
        confidence = None if prediction.confidence is None else prediction.confidence[number]
        health = camera.ground.judge(
            prepared.placement, label, confidence, seconds(header.stamp), prepared.thumbnail
        )
        memory = MessageMemory()
        pictures = prepared.products.make(
            label,
            confidence,
            prepared.placement,
            frame.products,
            image=prepared.image,
            allocate=memory.allocate,
        )
        if DRIVABLE in pictures and not health.usable:
            pictures[DRIVABLE].fill(0)
        messages = {
            name: memory.message(header, picture)
            for name, picture in pictures.items()
            if name in frame.wanted
        }
        sight = None
        if frame.on_ground and confidence is not None:
            sight = self._look(prepared, segmented, label, confidence)
        else:
            camera.ground.problem = ''
        if sight is not None:
            messages |= ground_messages(sight, camera, header, prepared.image, frame.wanted)
        made = time.perf_counter()
        for name, message in messages.items():
            camera.publishers.publish(name, message)
        for name in frame.wanted:
            if name.endswith(COMPRESSED):
                picture = pictures[name.removesuffix(COMPRESSED)]
                jpeg = jpeg_message(header, picture, settings.jpeg_quality)
                camera.publishers.publish(name, jpeg)
        if CAMERA_INFO in frame.wanted and frame.info is not None:
            info = info_for_masks(frame.info, header, prepared.placement)
            camera.publishers.publish(CAMERA_INFO, info)
        published = time.perf_counter()
        total_ms = (published - frame.arrived) * 1e3
        if REPORT in frame.wanted:
            stage_ms = {
                **prepared.stage_ms,
                'infer': prediction.infer_ms,
                'finish': prediction.finish_ms,
                'make': (made - begun) * 1e3,
                'publish': (published - made) * 1e3,
                'total': total_ms,
            }
            pixels = prepared.products.count(label, confidence, prepared.placement)
            report = self._report(frame, segmented, stage_ms, pixels, health)
            camera.publishers.publish(REPORT, report)
        frame.finish(total_ms)
        if sight is None or not frame.wanted & OF_ALL_CAMERAS:
            return False
        self._grid.add(camera.name, sight.outputs, header.stamp)
        return True

    def _look(
        self, prepared: Prepared, segmented: Segmented, label: Image, confidence: Image
    ) -> Sight | None:
        frame = prepared.frame
        return frame.camera.ground.look(
            prepared.placement,
            frame.info,
            frame.message.header,
            settings=segmented.batch.settings,
            label=label,
            confidence=confidence,
        )

    def _report(
        self,
        frame: Frame,
        segmented: Segmented,
        stage_ms: dict[str, float],
        pixels: npt.NDArray[np.int64],
        health: Health,
    ) -> FrameReport:
        camera, header = frame.camera, frame.message.header
        queue_ms = 2 * stage_ms['total'] - sum(stage_ms.values())
        totals = camera.counts.totals
        return frame_report(
            header=header,
            camera=camera.name,
            model=segmented.model,
            backend=segmented.backend,
            batch=len(segmented.batch.frames),
            age=age_of(header.stamp, self._clock),
            stage_ms={**stage_ms, 'queue': queue_ms},
            totals=replace(totals, frames_out=totals.frames_out + 1),
            frames_lost=camera.lost.lost,
            pixels=pixels,
            class_count=camera.class_count,
            health=health,
        )
