"""Whether a camera's frames can be trusted at all: dark, blinded, covered, frozen, unsure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED

Image = npt.NDArray[np.uint8]

_SAMPLES = 96
"""Rows and columns of an image that are looked at, at most."""


@dataclass(frozen=True)
class HealthLimits:
    """From where on a frame is bad; grey levels are 0 to 255, shares 0 to 1.

    :ivar min_confidence: of the frame's mean.
    :ivar max_unlabelled: share of the pixels.
    :ivar max_change: share of the pixels whose label is not that of the last frame.
    :ivar min_brightness: of the mean grey level; `max_brightness` likewise.
    :ivar min_contrast: of the grey levels' standard deviation: a covered lens sees nothing.
    :ivar frozen_after: seconds for which all images are the same, bit for bit; 0: never. A real
        camera's noise differs; a simulator that stands still may repeat itself.
    :ivar bad_frames: so many bad frames in a row make the camera unusable.
    :ivar good_frames: so many good ones in a row make it usable again.
    """

    min_confidence: float = 0.4
    max_unlabelled: float = 0.5
    max_change: float = 0.6
    min_brightness: float = 12.0
    max_brightness: float = 243.0
    min_contrast: float = 6.0
    frozen_after: float = 0.5
    bad_frames: int = 1
    good_frames: int = 5

    def __post_init__(self) -> None:
        if min(self.bad_frames, self.good_frames) < 1:
            raise ValueError(
                'bad_frames and good_frames: expected 1 or more, got '
                f'{self.bad_frames} and {self.good_frames}'
            )


@dataclass(frozen=True)
class Health:
    """What was measured on a frame; NaN where there was no image or no frame before.

    :ivar usable: whether to drive by this camera; `reasons` says why not, one sentence each. It
        stays false until enough good frames came in a row: then `reasons` says so.
    """

    mean_confidence: float
    unlabelled_share: float
    change: float
    brightness: float
    contrast: float
    frozen_for: float
    usable: bool
    reasons: tuple[str, ...]


class HealthMonitor:
    """Judges the frames of one camera, one after the other."""

    def __init__(self, limits: HealthLimits | None = None) -> None:
        self.limits = limits or HealthLimits()
        self._label: Image | None = None
        self._image: Image | None = None
        self._same_since = 0.0
        self._bad = self._good = 0
        self._usable = True

    def update(
        self,
        label: Image,
        confidence: Image | None,
        stamp: float,
        image: Image | None = None,
    ) -> Health:
        """Judge a frame.

        :param label: trainIds, uint8 [H, W].
        :param confidence: 0 to 255, uint8 [H, W]; None: not judged.
        :param stamp: seconds.
        :param image: uint8 [h, w] or [h, w, 3] in any colour order and of any size, as long as it
            is the camera's; None: light and freezing are not judged.
        """
        thin = np.ascontiguousarray(label[::2, ::2])
        change = np.nan
        if self._label is not None and self._label.shape == thin.shape:
            change = np.count_nonzero(thin != self._label) / thin.size
        self._label = thin
        brightness, contrast, frozen_for = self._look_at(image, stamp)
        measured = {
            'mean_confidence': np.nan if confidence is None else cv2.mean(confidence)[0] / 255,
            'unlabelled_share': np.count_nonzero(thin == UNLABELLED) / thin.size,
            'change': change,
            'brightness': brightness,
            'contrast': contrast,
            'frozen_for': frozen_for,
        }
        reasons = self._reasons(**measured)
        first = not self._bad and not self._good
        self._bad, self._good = (self._bad + 1, 0) if reasons else (0, self._good + 1)
        if self._bad >= self.limits.bad_frames or (first and reasons):
            self._usable = False
        elif self._good >= self.limits.good_frames:
            self._usable = True
        if not self._usable and not reasons:
            reasons = [f'recovering: {self._good} of {self.limits.good_frames} good frames']
        return Health(**measured, usable=self._usable, reasons=tuple(reasons))

    def _look_at(self, image: Image | None, stamp: float) -> tuple[float, float, float]:
        """Return brightness, contrast and for how long the image has been the same."""
        if image is None:
            self._image = None
            return np.nan, np.nan, np.nan
        rows, columns = (-(-side // _SAMPLES) for side in image.shape[:2])
        some = np.ascontiguousarray(image[rows // 2 :: rows, columns // 2 :: columns])
        last, self._image = self._image, some
        if last is None or stamp < self._same_since or not np.array_equal(last, some):
            self._same_since = stamp
        mean, deviation = cv2.meanStdDev(some.reshape(-1))
        return float(mean.item()), float(deviation.item()), stamp - self._same_since

    def _reasons(
        self,
        *,
        mean_confidence: float,
        unlabelled_share: float,
        change: float,
        brightness: float,
        contrast: float,
        frozen_for: float,
    ) -> list[str]:
        limits = self.limits
        frozen = limits.frozen_after > 0 and frozen_for >= limits.frozen_after
        checks = (
            (brightness < limits.min_brightness, f'too dark: mean grey level {brightness:.0f}'),
            (brightness > limits.max_brightness, f'too bright: mean grey level {brightness:.0f}'),
            (contrast < limits.min_contrast, f'lens covered: contrast {contrast:.1f}'),
            (frozen, f'frozen: the same image for {frozen_for:.1f} s'),
            (
                mean_confidence < limits.min_confidence,
                f'unsure: mean confidence {mean_confidence:.2f}',
            ),
            (
                unlabelled_share > limits.max_unlabelled,
                f'unlabelled: {unlabelled_share:.0%} of the pixels',
            ),
            (change > limits.max_change, f'unsteady: {change:.0%} of the labels changed'),
        )
        return [text for wrong, text in checks if wrong]
