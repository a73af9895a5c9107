"""One camera image in, labels and masks out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import RawImage, Region, from_bgr
from seg_perception.core.labels import LabelError, LabelSet, load_label_set
from seg_perception.core.placement import Placement
from seg_perception.core.products import (
    COLOR,
    CONFIDENCE,
    DRIVABLE,
    LABEL,
    OBSTACLE,
    OVERLAY,
    Products,
)
from seg_perception.core.view import Geometry, OutputSize, View

Image = npt.NDArray[np.uint8]

STAGES = ('prepare', 'infer', 'finish')


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


class Segmentation:
    """What an image became. Each product is made when it is first asked for, and kept.

    The arrays are the caller's own: no later call writes to them. Not for several threads at once,
    nor for one beside the segmenter's.

    :ivar stage_ms: how long each of `STAGES` took.
    :ivar placement: how the image lies in the network's labels.
    """

    def __init__(
        self,
        prediction: Prediction,
        image: RawImage,
        placement: Placement,
        products: Products,
        stage_ms: Mapping[str, float],
    ) -> None:
        self._prediction = prediction
        self._image = image
        self._products = products
        self.placement = placement
        self.stage_ms = stage_ms

    @cached_property
    def label(self) -> Image:
        """TrainIds, uint8 [H, W]; 255 is unlabelled."""
        return self._make(LABEL)

    @cached_property
    def confidence(self) -> Image:
        """Confidence in the label, uint8 [H, W], 0 to 255."""
        return self._make(CONFIDENCE)

    @cached_property
    def drivable(self) -> Image:
        """Where to drive, uint8 [H, W]: 255 yes, 0 no or unknown.

        :raises LabelError: when the label set has no group `drivable`.
        """
        return self._make(DRIVABLE)

    @cached_property
    def obstacle(self) -> Image:
        """What would be hit, uint8 [H, W]: 255 yes.

        :raises LabelError: when the label set has no group `obstacle`.
        """
        return self._make(OBSTACLE)

    @cached_property
    def color(self) -> Image:
        """The label in its classes' colours, BGR, uint8 [H, W, 3]."""
        return self._make(COLOR)

    @cached_property
    def overlay(self) -> Image:
        """The image under its classes' colours, BGR, uint8 [H, W, 3]."""
        return self._make(OVERLAY)

    def _make(self, name: str) -> Image:
        prediction = self._prediction
        confidence = None if prediction.confidence is None else prediction.confidence[0]
        return self._products.make(
            prediction.label[0], confidence, self.placement, {name}, image=self._image
        )[name]


class Segmenter:
    """Segments images of one camera, of any size and encoding; not for several threads at once.

    :param runner: an active runner; its owner activates and frees it.
    :param labels: meanings and groups of the model's classes; by default the label set that the
        model names, where that has the same classes.
    :param geometry: how images go into the network (see `View`).
    :param output: size of labels and masks: of the `camera`, as the `network` makes them or
        (width, height).
    :param region: x, y, width and height of the part of the image that is segmented.
    :param drivable_min_confidence: confidence (0 to 1) from which a drivable label is believed.
    :param label_min_confidence: confidence (0 to 1) below which a label becomes unlabelled.
    :param overlay_alpha: weight (0 to 1) of the colours in the overlay.
    :param ego_mask: [H, W], non-zero where the camera sees its own vehicle.
    :raises ValueError: when an argument is out of its range.
    :raises LabelError: when the label set has a class that is drivable and an obstacle.
    """

    def __init__(
        self,
        runner: Inference,
        *,
        labels: LabelSet | None = None,
        geometry: Geometry = 'stretch',
        output: OutputSize = 'camera',
        region: Region | None = None,
        drivable_min_confidence: float = 0.5,
        label_min_confidence: float = 0.0,
        overlay_alpha: float = 0.5,
        ego_mask: npt.NDArray[Any] | None = None,
    ) -> None:
        self._runner = runner
        self._labels = labels
        self._view = partial(View, geometry=geometry, output=output, region=region)
        self._products = partial(
            Products,
            drivable_min_confidence=drivable_min_confidence,
            label_min_confidence=label_min_confidence,
            overlay_alpha=overlay_alpha,
            ego_mask=ego_mask,
        )
        self._set_up()

    def label(self, image: RawImage | Image) -> Image:
        """Return the label of one image alone, uint8 [H, W]."""
        return self.segment(image, want_confidence=self.products.needs_confidence({LABEL})).label

    def segment(self, image: RawImage | Image, *, want_confidence: bool = True) -> Segmentation:
        """Segment one image. What the runner raises is passed on.

        :param image: as a camera gives it, or BGR, uint8 [H, W, 3]; read again if the overlay is
            asked for.
        :param want_confidence: without it there is no confidence, and no mask that needs one.
        :raises ImageError: when the image is not such or the region is not in it.
        """
        started = time.perf_counter()
        if not isinstance(image, RawImage):
            image = from_bgr(image)
        if self._runner.contract != self.contract:
            self._set_up()
        placement = self.view.prepare(image, self._input[0])
        prepared = time.perf_counter()
        prediction = self._runner.infer(self._input, want_confidence=want_confidence)
        return Segmentation(
            prediction,
            image,
            placement,
            self.products,
            {
                'prepare': (prepared - started) * 1e3,
                'infer': prediction.infer_ms,
                'finish': prediction.finish_ms,
            },
        )

    def _set_up(self) -> None:
        self.contract = self._runner.contract
        self.view = self._view(self.contract)
        self.products = self._products(self._labels or _label_set(self.contract))
        self._input = np.empty((1, self.contract.height, self.contract.width, 3), np.uint8)


def _label_set(contract: ModelContract) -> LabelSet:
    """Return the label set that a model names, or one of its own labels without groups."""
    try:
        named = load_label_set(contract.label_set)
    except LabelError:
        named = None
    classes = [(label.name, label.id) for label in contract.labels]
    if named and [(label.name, label.id) for label in named.labels] == classes:
        return named
    return LabelSet(contract.label_set, contract.labels, {})
