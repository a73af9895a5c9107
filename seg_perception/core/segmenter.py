"""One camera image in, labels and confidence out, with the time each stage took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import RawImage

Image = npt.NDArray[np.uint8]

STAGES = ('prepare', 'infer', 'finish', 'resize')


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a runtime makes of N images: label and confidence, uint8 [N, H, W], at label size.

    The arrays are the caller's own: no later call writes to them.
    """

    label: Image
    confidence: Image | None
    infer_ms: float
    finish_ms: float


class Inference(Protocol):
    """The part of a runner that the segmenter needs."""

    @property
    def contract(self) -> ModelContract:
        """What the model says of itself."""

    def infer(self, images: Image, *, want_confidence: bool = True) -> Prediction:
        """Segment RGB images, uint8 [N, H, W, 3] at network size."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Label (trainIds) and confidence (0 to 255) of one image, uint8 [H, W] each.

    The arrays are the caller's own: no later call writes to them. `stage_ms` has a time for each of
    `STAGES`.
    """

    label: Image
    confidence: Image | None
    stage_ms: Mapping[str, float]


class Segmenter:
    """Segments images of any size and encoding; not for several threads at once.

    :param runner: an active runner; its owner activates and frees it.
    :param output: labels at the size of the `camera` image or as the `network` makes them.
    """

    def __init__(
        self, runner: Inference, *, output: Literal['camera', 'network'] = 'camera'
    ) -> None:
        if output not in ('camera', 'network'):
            raise ValueError(f"output: expected 'camera' or 'network', got {output!r}")
        self._runner = runner
        self._output = output
        self._input = np.empty((0, 0, 0, 3), np.uint8)

    def label(self, image: RawImage) -> Image:
        """Return the label of one image alone, uint8 [H, W]."""
        return self.segment(image, want_confidence=False).label

    def segment(self, image: RawImage, *, want_confidence: bool = True) -> Segmentation:
        """Segment one image. What the runner raises is passed on."""
        started = time.perf_counter()
        width, height = size = self._runner.contract.size
        if self._input.shape != (1, height, width, 3):
            self._input = np.empty((1, height, width, 3), np.uint8)
        image.rgb(size, out=self._input[0])
        prepared = time.perf_counter()
        prediction = self._runner.infer(self._input, want_confidence=want_confidence)
        predicted = time.perf_counter()
        label = prediction.label[0]
        confidence = None if prediction.confidence is None else prediction.confidence[0]
        if self._output == 'camera' and label.shape[::-1] != image.size:
            label = _resize(label, image.size, cv2.INTER_NEAREST_EXACT)
            if confidence is not None:
                confidence = _resize(confidence, image.size, cv2.INTER_LINEAR)
        return Segmentation(
            label=label,
            confidence=confidence,
            stage_ms={
                'prepare': (prepared - started) * 1e3,
                'infer': prediction.infer_ms,
                'finish': prediction.finish_ms,
                'resize': (time.perf_counter() - predicted) * 1e3,
            },
        )


def _resize(image: Image, size: tuple[int, int], interpolation: int) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
