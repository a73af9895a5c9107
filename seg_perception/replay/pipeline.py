"""From frames to messages, with the same core as the node, in overlapping steps."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.camera_info import CameraInfoError, check_fits, is_calibrated
from seg_perception.core.encodings import ImageError, RawImage
from seg_perception.core.ground.health import Health
from seg_perception.core.label_grid import LabelGrid, thumbnail
from seg_perception.core.labels import LabelSet
from seg_perception.core.placement import Placement
from seg_perception.core.products import DRIVABLE, LABEL, OBSTACLE, OVERLAY
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.base import Runner, RunnerError
from seg_perception.replay import outputs
from seg_perception.replay.bag_frames import COMPRESSED
from seg_perception.replay.frame import Camera, Frame
from seg_perception.replay.messages import header, picture_message
from seg_perception.replay.parameters import Parameters
from seg_perception.replay.storage import Data
from seg_perception.replay.threads import ahead, each, parallel

_DECODERS = 4
# calcHist counts in float32, which is exact up to here.
_EXACT_PIXELS = 1 << 24


@dataclass(eq=False)
class Result:
    """What became of a frame.

    :ivar messages: topic and serialised message of each output; none of a frame that was dropped.
    :ivar row: what is to be told of it, as JSON has it.
    """

    frame: Frame
    messages: list[tuple[str, Data]]
    row: dict[str, Any]


@dataclass(eq=False)
class _Work:
    """A frame on its way; `problem` tells why it was dropped."""

    frame: Frame
    stage_ms: dict[str, float] = field(default_factory=dict)
    problem: str = ''
    image: RawImage | None = None
    placement: Placement | None = None
    input: npt.NDArray[np.uint8] | None = None
    thumbnail: npt.NDArray[np.uint8] | None = None
    prediction: Prediction | None = None


class Pipeline:
    """Segments frames in their order; several cameras share the runner.

    :param runner: an active one; its owner frees it.
    :param wanted: names of `outputs.OUTPUTS`.
    """

    def __init__(
        self,
        runner: Runner,
        labels: LabelSet,
        parameters: Parameters,
        cameras: Sequence[Camera],
        *,
        wanted: Sequence[str],
    ) -> None:
        contract = runner.contract
        self._runner = runner
        self._parameters = parameters
        self._classes = len(labels.labels)
        self._quality = int(parameters.values['jpeg_quality'])
        self._size = (1, contract.height, contract.width, 3)
        self._views = {c.name: parameters.view(c.name, contract) for c in cameras}
        self._products = {c.name: parameters.products(c.name, labels) for c in cameras}
        self._monitors = {c.name: parameters.health() for c in cameras}
        first = next(iter(self._products.values()))
        self._made = outputs.products_of(wanted) - first.unmade.keys()
        self._alone = len(cameras) == 1
        self.topics = {
            camera.name: {
                name: topic
                for name, topic in outputs.topics_of(camera, self._alone, wanted).items()
                if name not in first.unmade
            }
            for camera in cameras
        }
        """By camera and output: topic and message type."""
        self.counts = {camera.name: Counter[str]() for camera in cameras}
        """Frames so far, by camera, as the reports have them."""

    def results(self, frames: Iterable[Frame]) -> Generator[Result, None, None]:
        """Yield what becomes of each frame. What reading the frames raises is passed on."""
        workers = min(_DECODERS, os.cpu_count() or 1)
        decoded = ahead(parallel(self._decode, ahead(frames), workers), 1)
        prepared = ahead(each(self._prepare, decoded), 1)
        inferred = ahead(each(self._infer, prepared), 1)
        return ahead(each(self._make, inferred), 1)

    def _decode(self, frame: Frame) -> _Work:
        work, started = _Work(frame), time.perf_counter()
        try:
            # Views are cheap, and not for several threads; people are shown the whole image.
            view = self._parameters.view(frame.camera.name, self._runner.contract)
            work.image = frame.load(None if OVERLAY in self._made else view.reduction)
            if frame.info is not None and is_calibrated(frame.info):
                check_fits(frame.info, work.image.size)
        except (ImageError, CameraInfoError, cv2.error) as error:
            work.problem = str(error)
        work.stage_ms['decode'] = _ms_since(started)
        return work

    def _prepare(self, work: _Work) -> _Work:
        if work.problem or work.image is None:
            return work
        started = time.perf_counter()
        work.input = np.empty(self._size, np.uint8)
        try:
            view = self._views[work.frame.camera.name]
            work.placement = view.prepare(work.image, work.input[0])
            work.thumbnail = thumbnail(work.input[0], work.placement)
        except (ImageError, cv2.error) as error:
            work.problem = str(error)
        work.stage_ms['prepare'] = _ms_since(started)
        return work

    def _infer(self, work: _Work) -> _Work:
        if work.problem or work.input is None:
            return work
        try:
            work.prediction = self._runner.infer(work.input)
        except RunnerError as error:
            work.problem = str(error)
        else:
            work.stage_ms['infer'] = work.prediction.infer_ms
            work.stage_ms['finish'] = work.prediction.finish_ms
        work.input = None
        return work

    def _make(self, work: _Work) -> Result:
        frame, counts = work.frame, self.counts[work.frame.camera.name]
        row: dict[str, Any] = {
            'camera': frame.camera.name,
            'stamp': frame.stamp,
            'time': frame.time,
        }
        prediction, placement = work.prediction, work.placement
        if prediction is None or prediction.confidence is None or placement is None:
            row['dropped'] = work.problem
            count_row(self.counts, row)
            return Result(frame, [], row)
        count_row(self.counts, row)
        started = time.perf_counter()
        products = self._products[frame.camera.name]
        label, confidence = prediction.label[0], prediction.confidence[0]
        pictures = products.make(label, confidence, placement, self._made, image=work.image)
        health = self._judge(work, placement, label, confidence)
        if not health.usable and DRIVABLE in pictures:
            pictures[DRIVABLE].fill(0)
        if LABEL in pictures and pictures[LABEL].size <= _EXACT_PIXELS:
            pixels = _histogram(pictures[LABEL])  # quicker than to count at label size
        else:
            pixels = products.count(label, confidence, placement)
        shares, unlabelled = outputs.shares_of(pixels, self._classes)
        row |= {
            'size': placement.output_size,
            'class_share': [round(share, 6) for share in shares],
            'unlabelled_share': round(unlabelled, 6),
            'usable': health.usable,
            'reasons': health.reasons,
        }
        for name in outputs.MEASURED:
            value = getattr(health, name)
            row[name] = None if math.isnan(value) else round(value, 6)
        for mask in (DRIVABLE, OBSTACLE):
            if mask in pictures:
                row[mask] = round(cv2.countNonZero(pictures[mask]) / pictures[mask].size, 6)
        work.stage_ms['make'] = _ms_since(started)
        row['ms'] = {stage: round(ms, 3) for stage, ms in work.stage_ms.items()}
        report = outputs.report_message(
            header(frame.stamp, frame.frame_id),
            camera='' if self._alone else frame.camera.name,
            model=self._runner.contract.name,
            backend=self._runner.name,
            stage_ms=work.stage_ms,
            counts={name: counts[name] for name in ('frames_in', 'frames_out', 'dropped_bad')},
            shares=shares,
            unlabelled=unlabelled,
            health=health,
        )
        return Result(frame, self._messages(frame, placement, pictures, report), row)

    def _judge(
        self,
        work: _Work,
        placement: Placement,
        label: npt.NDArray[np.uint8],
        confidence: npt.NDArray[np.uint8],
    ) -> Health:
        camera, grid = work.frame.camera.name, LabelGrid(placement)
        return self._monitors[camera].update(
            grid.cut(label), grid.cut(confidence), work.frame.stamp / 1e9, work.thumbnail
        )

    def _messages(
        self,
        frame: Frame,
        placement: Placement,
        pictures: dict[str, npt.NDArray[np.uint8]],
        report: Data,
    ) -> list[tuple[str, Data]]:
        head = header(frame.stamp, frame.frame_id)
        messages: list[tuple[str, Data]] = []
        for name, (topic, _) in self.topics[frame.camera.name].items():
            data: Data | None
            if name == outputs.REPORT:
                data = report
            elif name == outputs.INFO:
                data = outputs.info_message(head, frame.info, placement)
            elif name.endswith(COMPRESSED):
                picture = pictures[name.removesuffix(COMPRESSED)]
                data = outputs.jpeg_message(head, picture, self._quality)
            else:
                data = picture_message(head, pictures[name])
            if data is not None:
                messages.append((topic, data))
        return messages


def count_row(counts: Mapping[str, Counter[str]], row: Mapping[str, Any]) -> None:
    """Count a frame by what its row tells of it."""
    count = counts[row['camera']]
    count['frames_in'] += 1
    count['dropped_bad' if 'dropped' in row else 'frames_out'] += 1


def _histogram(label: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return cv2.calcHist([label], [0], None, [256], [0, 256]).ravel().astype(np.int64)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
