"""The one thread that turns frames into results."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seg_perception.core.encodings import ImageError
from seg_perception.ros.camera_info import CameraInfoError, check_fits, info_for_masks
from seg_perception.ros.camera_input import ImageMessage, decode
from seg_perception.ros.frame_age import StaleFrameError, age_of, check_age
from seg_perception.ros.frame_counts import Drop, FrameCounts
from seg_perception.ros.pipeline import InferenceError, Picture, Pictures, Pipeline
from seg_perception.ros.publishers import (
    CAMERA_INFO,
    COMPRESSED,
    REPORT,
    Publishers,
    image_message,
    jpeg_message,
)
from seg_perception.ros.report import frame_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.clock import Clock
    from sensor_msgs.msg import CameraInfo
    from std_msgs.msg import Header

    from seg_perception.msg import FrameReport
    from seg_perception.ros.complaints import Complaints
    from seg_perception.ros.mailbox import Mailbox
    from seg_perception.ros.node_parameters import NodeParameters


@dataclass(frozen=True)
class Frame:
    """An image on its way.

    :ivar info: the camera's calibration, where known.
    :ivar wanted: the outputs that had listeners when it came.
    :ivar arrived: on the performance counter, s.
    """

    message: ImageMessage
    info: CameraInfo | None
    wanted: frozenset[str]
    arrived: float


class Worker:
    """Takes frames from the mailbox until it is closed, and publishes what becomes of them."""

    def __init__(
        self,
        *,
        mailbox: Mailbox[Frame],
        pipeline: Pipeline,
        publishers: Publishers,
        parameters: NodeParameters,
        counts: FrameCounts,
        clock: Clock,
        complaints: Complaints,
    ) -> None:
        self._mailbox = mailbox
        self._pipeline = pipeline
        self._publishers = publishers
        self._parameters = parameters
        self._counts = counts
        self._clock = clock
        self._complaints = complaints
        self._begun: float | None = None
        self._thread = threading.Thread(target=self._run, name='inference')
        self._thread.start()

    @property
    def work_age(self) -> float:
        """Seconds that the frame at work has taken so far; 0 while there is none."""
        begun = self._begun
        return 0.0 if begun is None else time.perf_counter() - begun

    def stop(self) -> None:
        """Close the mailbox, serve the frame that is still in it, and wait for the end of that."""
        self._mailbox.close()
        self._thread.join()

    def _run(self) -> None:
        while (frame := self._mailbox.take()) is not None:
            self._begun = time.perf_counter()
            try:
                self._serve(frame)
            except StaleFrameError as error:
                self._drop(Drop.STALE, str(error))
            except (ImageError, CameraInfoError, InferenceError) as error:
                self._drop(Drop.BAD, str(error))
            except Exception as error:  # noqa: BLE001  (the thread must outlive any frame)
                self._drop(Drop.BAD, f'unexpected {error!r}; please report this')
            self._begun = None

    def _drop(self, reason: Drop, sentence: str) -> None:
        # Said first: whoever sees the count finds the reason.
        self._complaints.say(f'frame dropped: {sentence}')
        self._counts.dropped(reason)

    def _serve(self, frame: Frame) -> None:
        taken = time.perf_counter()
        settings = self._parameters.settings
        header = frame.message.header
        check_age(header.stamp, self._clock, settings.max_age)
        image = decode(frame.message)
        if frame.info is not None:
            check_fits(frame.info, image.size)
        decoded = time.perf_counter()
        names = {name.removesuffix(COMPRESSED) for name in frame.wanted}
        pictures = self._pipeline.process(image, names, settings)
        self._publish(frame, pictures, settings.jpeg_quality)
        published = time.perf_counter()
        total_ms = (published - frame.arrived) * 1e3
        if REPORT in frame.wanted:
            stage_ms = {
                'wait': (taken - frame.arrived) * 1e3,
                'decode': (decoded - taken) * 1e3,
                **pictures.stage_ms,
                'publish': (published - decoded) * 1e3 - sum(pictures.stage_ms.values()),
                'total': total_ms,
            }
            self._publishers.publish(REPORT, self._report(header, pictures.label, stage_ms))
        self._counts.finished(total_ms)

    def _report(self, header: Header, label: Picture, stage_ms: Mapping[str, float]) -> FrameReport:
        totals = self._counts.totals
        return frame_report(
            header=header,
            model=self._pipeline.model,
            backend=self._pipeline.backend,
            age=age_of(header.stamp, self._clock),
            stage_ms=stage_ms,
            totals=replace(totals, frames_out=totals.frames_out + 1),
            label=label,
            class_count=self._pipeline.class_count,
        )

    def _publish(self, frame: Frame, pictures: Pictures, jpeg_quality: int) -> None:
        header = frame.message.header
        for name, picture in pictures.images.items():
            if name in frame.wanted:
                self._publishers.publish(name, image_message(header, picture))
            if name + COMPRESSED in frame.wanted:
                jpeg = jpeg_message(header, picture, jpeg_quality)
                self._publishers.publish(name + COMPRESSED, jpeg)
        if CAMERA_INFO in frame.wanted and frame.info is not None:
            height, width = pictures.label.shape
            info = info_for_masks(frame.info, header, (width, height))
            self._publishers.publish(CAMERA_INFO, info)
