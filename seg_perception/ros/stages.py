"""From messages to results in three steps, each for a thread of its own."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seg_perception.core.encodings import RawImage
from seg_perception.core.label_grid import thumbnail
from seg_perception.core.placement import Placement
from seg_perception.core.products import OVERLAY, Products
from seg_perception.core.segmenter import Prediction
from seg_perception.ros.camera import Camera
from seg_perception.ros.camera_info import check_fits
from seg_perception.ros.camera_input import ImageMessage, decode
from seg_perception.ros.frame_age import check_age
from seg_perception.ros.ground_outputs import FREE_SPACE_OVERLAY, GROUND_OUTPUTS
from seg_perception.ros.image_messages import Picture
from seg_perception.ros.publishers import COMPRESSED
from seg_perception.ros.settings import Settings

if TYPE_CHECKING:
    from rclpy.clock import Clock
    from sensor_msgs.msg import CameraInfo

    from seg_perception.core.contract import ModelContract
    from seg_perception.core.view import View
    from seg_perception.inference.supervised import SupervisedRunner
    from seg_perception.ros.node_parameters import NodeParameters

_RECENT = 8


@dataclass(eq=False)
class Frame:
    """An image on its way.

    :ivar info: the camera's calibration, where known.
    :ivar wanted: the outputs that had listeners when it came.
    :ivar arrived: on the performance counter, s.
    """

    camera: Camera
    message: ImageMessage
    info: CameraInfo | None
    wanted: frozenset[str]
    arrived: float
    _settled: bool = field(default=False, init=False)

    @property
    def products(self) -> frozenset[str]:
        """What is to be made for the wanted outputs."""
        return frozenset(name.removesuffix(COMPRESSED) for name in self.wanted)

    @property
    def on_ground(self) -> frozenset[str]:
        """What is wanted of the ground."""
        return self.wanted & GROUND_OUTPUTS

    def drop(self, error: Exception) -> None:
        """Count it as dropped, unless it was counted already."""
        if not self._settled:
            self._settled = True
            self.camera.drop(error)

    def finish(self, latency_ms: float) -> None:
        """Count it out."""
        self._settled = True
        self.camera.counts.finished(latency_ms)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A frame that is in a batch.

    :ivar thumbnail: some pixels of what the network sees, uint8 [h, w, 3].
    :ivar stage_ms: of the stages so far.
    """

    frame: Frame
    image: RawImage
    placement: Placement
    products: Products
    thumbnail: npt.NDArray[np.uint8]
    stage_ms: dict[str, float]


@dataclass(frozen=True, eq=False)
class Batch:
    """Frames of different cameras, and what the network gets of them, uint8 [N, H, W, 3]."""

    frames: list[Prepared]
    images: npt.NDArray[np.uint8]
    settings: Settings

    @property
    def want_confidence(self) -> bool:
        """Whether one of them needs the confidence."""
        return any(
            p.frame.on_ground or p.products.needs_confidence(p.frame.products) for p in self.frames
        )


@dataclass(frozen=True, eq=False)
class Segmented:
    """A batch and what the network made of it."""

    batch: Batch
    prediction: Prediction
    model: str
    backend: str


class Prepare:
    """Decodes the frames of a batch and puts them into the network's input."""

    def __init__(
        self, runner: SupervisedRunner, parameters: NodeParameters, clock: Clock, most: int
    ) -> None:
        self._runner = runner
        self._parameters = parameters
        self._clock = clock
        self._most = most
        # One is filled while the network reads the other.
        self._buffers = [np.empty((0, 0, 0, 3), np.uint8)] * 2
        self._times: deque[float] = deque(maxlen=_RECENT)

    @property
    def lead_s(self) -> float:
        """Seconds that a batch takes, by the slowest of the last ones."""
        return max(self._times, default=0.0)

    def __call__(self, frames: list[Frame]) -> Batch | None:
        """Return the batch of those frames that are good; None if there are none."""
        begun = time.perf_counter()
        settings, contract = self._parameters.settings, self._runner.contract
        buffer = self._next_buffer(contract)
        prepared: list[Prepared] = []
        for frame in frames:
            try:
                check_age(frame.message.header.stamp, self._clock, settings.max_age)
                view, out = frame.camera.view(contract), buffer[len(prepared)]
                products = frame.camera.products(settings)
                prepared.append(_prepare(frame, view, out, products, begun))
            except Exception as error:  # noqa: BLE001  (the others of the batch go on)
                frame.drop(error)
        self._times.append(time.perf_counter() - begun)
        if not prepared:
            return None
        return Batch(prepared, buffer[: len(prepared)], settings)

    def _next_buffer(self, contract: ModelContract) -> npt.NDArray[np.uint8]:
        shape = (self._most, contract.height, contract.width, 3)
        self._buffers.reverse()
        if self._buffers[0].shape != shape:
            self._buffers[0] = np.empty(shape, np.uint8)
        return self._buffers[0]


def _prepare(frame: Frame, view: View, out: Picture, products: Products, taken: float) -> Prepared:
    begun = time.perf_counter()
    # People are shown the whole image; the network gets no more than it takes.
    whole = OVERLAY in frame.products or FREE_SPACE_OVERLAY in frame.wanted
    image = decode(frame.message, None if whole else view.reduction)
    if frame.info is not None:
        check_fits(frame.info, image.size)
    decoded = time.perf_counter()
    placement = view.prepare(image, out)
    stage_ms = {
        'wait': (taken - frame.arrived) * 1e3,
        'decode': (decoded - begun) * 1e3,
        'prepare': (time.perf_counter() - decoded) * 1e3,
    }
    return Prepared(frame, image, placement, products, thumbnail(out, placement), stage_ms)


class Infer:
    """Has the network segment a batch."""

    def __init__(self, runner: SupervisedRunner) -> None:
        self._runner = runner

    def __call__(self, batch: Batch) -> Segmented:
        """Return the batch with labels.

        :raises InferenceError: when the network fails, now or still.
        """
        prediction = self._runner.infer(batch.images, want_confidence=batch.want_confidence)
        return Segmented(batch, prediction, self._runner.model, self._runner.backend)
