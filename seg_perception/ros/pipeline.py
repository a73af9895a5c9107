"""From a decoded image to the pictures that are published, for one configuration of the node."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core import paint
from seg_perception.core.labels import LabelError, load_label_set
from seg_perception.core.masks import Masks
from seg_perception.core.segmenter import Segmentation, Segmenter
from seg_perception.inference.base import ModelError
from seg_perception.inference.choice import check_labels, create_serving_runner
from seg_perception.inference.engine_cache import EngineSettings
from seg_perception.resources import bundled_model

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from seg_perception.core.contract import ModelContract
    from seg_perception.core.encodings import RawImage
    from seg_perception.inference.base import Status
    from seg_perception.ros.settings import Settings

Picture = npt.NDArray[np.uint8]

LABEL = 'label'
CONFIDENCE = 'confidence'
DRIVABLE = 'drivable'
OBSTACLE = 'obstacle'
COLOR = 'color'
OVERLAY = 'overlay'

_MAX_PAUSE_S = 30.0


class SettingsError(ValueError):
    """A file named in the settings cannot be used."""


class InferenceError(RuntimeError):
    """The network failed on this frame, or is down after a failure."""


@dataclass(frozen=True)
class Pictures:
    """What one image became.

    :ivar images: those asked for, uint8 [H, W] or (color, overlay) BGR [H, W, 3].
    :ivar label: as published in ~/label, whether that was asked for or not.
    :ivar stage_ms: of the stages prepare, infer, finish, resize.
    """

    images: Mapping[str, Picture]
    label: Picture
    stage_ms: Mapping[str, float]


class Pipeline:
    """Holds the model and what is made of its labels.

    Made loaded and checked, or not at all. `process` is called by one thread; a failing runner is
    reloaded with growing pauses.

    :raises LabelError, SettingsError, ModelError, RunnerError, FileNotFoundError: in one sentence.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._labels = load_label_set(settings.label_set)
        self._ego_mask = _load_ego_mask(settings.ego_mask)
        model = Path(settings.model).expanduser() if settings.model else bundled_model()
        folder = settings.engine_cache_dir
        self._runner = create_serving_runner(
            settings.backend,
            model,
            threads=settings.threads,
            engines=EngineSettings(
                folder=Path(folder) if folder else None,
                limit_mib=settings.engine_cache_mib,
                tf32=settings.precision == 'tf32',
            ),
            min_agreement=settings.min_agreement,
        )
        self.model = self._load()
        self._segmenter = Segmenter(self._runner, output=settings.output_size)
        self._settings = settings
        self._masks = self._make_masks(settings)
        self._color_table = self._labels.color_table()
        self._pause = 0.0
        self._retry_at = 0.0
        self.failure = ''
        """Why the network is failing; empty while it works."""

    @property
    def unmade(self) -> Mapping[str, str]:
        """The masks that cannot be made, and why: the label set lacks their group."""
        reasons = {}
        for mask in (DRIVABLE, OBSTACLE):
            try:
                self._labels.group_table(mask)
            except LabelError as error:
                reasons[mask] = str(error)
        return reasons

    @property
    def backend(self) -> str:
        """The runtime that the last frame went through."""
        return self._runner.name

    @property
    def status(self) -> Status:
        """What is in service, and what is being prepared to take over."""
        return self._runner.status

    @property
    def class_count(self) -> int:
        """Number of classes in the label set."""
        return len(self._labels.labels)

    def close(self) -> None:
        """Free the model."""
        self._runner.deactivate()

    def process(self, image: RawImage, wanted: Collection[str], settings: Settings) -> Pictures:
        """Segment an image and make the wanted pictures of it.

        :param settings: those of the constructor, but for what can change at run time.
        :raises InferenceError: when the network fails, now or still.
        """
        if settings != self._settings:
            self._settings, self._masks = settings, self._make_masks(settings)
        want_confidence = (
            settings.label_min_confidence > 0 or CONFIDENCE in wanted or DRIVABLE in wanted
        )
        segmentation = self._segment(image, want_confidence)
        label = self._masks.label(segmentation)
        images: dict[str, Picture] = {LABEL: label} if LABEL in wanted else {}
        if CONFIDENCE in wanted and segmentation.confidence is not None:
            images[CONFIDENCE] = segmentation.confidence
        if DRIVABLE in wanted:
            images[DRIVABLE] = self._masks.drivable(segmentation)
        if OBSTACLE in wanted:
            images[OBSTACLE] = self._masks.obstacle(segmentation)
        if COLOR in wanted:
            images[COLOR] = paint.colorize(label, self._color_table)
        if OVERLAY in wanted:
            height, width = label.shape
            images[OVERLAY] = paint.overlay(
                image.bgr((width, height)), label, self._color_table, settings.overlay_alpha
            )
        return Pictures(images=images, label=label, stage_ms=segmentation.stage_ms)

    def _load(self) -> str:
        """Load the model and return its name."""
        self._runner.activate()
        try:
            check_labels(self._runner.contract, self._labels)
            _check_batch(self._runner.contract)
        except ModelError:
            self._runner.deactivate()
            raise
        return self._runner.contract.name

    def _make_masks(self, settings: Settings) -> Masks:
        return Masks(
            self._labels,
            drivable_min_confidence=settings.drivable_min_confidence,
            label_min_confidence=settings.label_min_confidence,
            ego_mask=self._ego_mask,
        )

    def _segment(self, image: RawImage, want_confidence: bool) -> Segmentation:
        if self.failure and self._clock() < self._retry_at:
            raise InferenceError(f'the network is down until it is reloaded: {self.failure}')
        try:
            if self.failure:
                self._runner.deactivate()
                self.model = self._load()
            segmentation = self._segmenter.segment(image, want_confidence=want_confidence)
        except Exception as error:  # whatever a runtime raises: the node must outlive it
            # The first reload comes with the next frame, later ones after 1, 2, 4, … s.
            self._pause = min(max(2 * self._pause, 1.0), _MAX_PAUSE_S) if self.failure else 0.0
            self._retry_at = self._clock() + self._pause
            self.failure = f'{type(error).__name__}: {error}'
            raise InferenceError(
                f'the network failed and will be reloaded: {self.failure}'
            ) from error
        self.failure = ''
        return segmentation


def _check_batch(contract: ModelContract) -> None:
    if contract.batch not in (None, 1):
        raise ModelError(
            f'model {contract.name}: expected a batch of 1 or a dynamic one, got {contract.batch}; '
            'export the model again'
        )


def _load_ego_mask(path: str) -> npt.NDArray[np.bool_] | None:
    if not path:
        return None
    # At its own depth: 8 bits of a dark 16-bit grey would be black.
    mask = cv2.imread(str(Path(path).expanduser()), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if mask is None:
        raise SettingsError(
            f'ego_mask {path!r} is not an image that can be read: name a grey PNG, or set it to '
            "'' for none"
        )
    return np.not_equal(mask, 0)
