"""What a vehicle makes of labels: masks for planners, as table look-ups."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import DRIVABLE, OBSTACLE, LabelError, LabelSet
from seg_perception.core.segmenter import Segmentation

Image = npt.NDArray[np.uint8]


class Masks:
    """Makes masks of segmentations. Unknown is neither drivable nor free.

    A label set need not have the groups `drivable` and `obstacle`: the mask of a group that is not
    there cannot be made.

    :param drivable_min_confidence: confidence (0 to 1) from which a drivable label is believed; no
        pixel below `label_min_confidence` is drivable either.
    :param label_min_confidence: confidence (0 to 1) below which a label becomes unlabelled.
    :param ego_mask: [H, W], bool or uint8, non-zero where the camera sees its own vehicle; of any
        size, scaled to the labels' by nearest neighbour.
    :raises LabelError: when the label set has a class in both groups.
    :raises ValueError: when a confidence is not 0 to 1 or the ego mask is not such an image.
    """

    def __init__(
        self,
        labels: LabelSet,
        *,
        drivable_min_confidence: float,
        label_min_confidence: float,
        ego_mask: npt.NDArray[Any] | None = None,
    ) -> None:
        self._labels = labels
        empty: frozenset[int] = frozenset()
        if both := labels.groups.get(DRIVABLE, empty) & labels.groups.get(OBSTACLE, empty):
            names = ', '.join(labels.names[train_id] for train_id in sorted(both))
            raise LabelError(
                f'label set {labels.name} has {names} in drivable and in obstacle; leave each '
                'class in one of them'
            )
        self._label_level = _level('label_min_confidence', label_min_confidence)
        self._drivable_level = max(
            _level('drivable_min_confidence', drivable_min_confidence), self._label_level
        )
        self._ego = None if ego_mask is None else _binary(ego_mask)
        self._scaled_ego = self._ego

    def label(self, segmentation: Segmentation) -> Image:
        """Return the label, uint8 [H, W], 255 where it is not confident enough or the ego vehicle.

        It may be the segmentation's own array.

        :raises ValueError: when a confidence is needed and the segmentation has none.
        """
        label = segmentation.label
        if self._label_level > 0:
            label = _union(label, ~_at_least(segmentation, self._label_level))
        ego = self._ego_like(label)
        return label if ego is None else _union(label, ego)

    def drivable(self, segmentation: Segmentation) -> Image:
        """Return where to drive, uint8 [H, W]: 255 yes, 0 no, unknown or the ego vehicle.

        :raises LabelError: when the label set has no group `drivable`.
        :raises ValueError: when the segmentation has no confidence.
        """
        mask = self._members(segmentation, DRIVABLE)
        return self._without_ego(_both(mask, _at_least(segmentation, self._drivable_level)))

    def obstacle(self, segmentation: Segmentation) -> Image:
        """Return what would be hit, uint8 [H, W]: 255 yes, at any confidence; 0 the ego vehicle.

        :raises LabelError: when the label set has no group `obstacle`.
        """
        return self._without_ego(self._members(segmentation, OBSTACLE))

    def _members(self, segmentation: Segmentation, group: str) -> Image:
        """Return 255 where the label is in a group, else 0."""
        return np.asarray(cv2.LUT(segmentation.label, self._labels.group_table(group)), np.uint8)

    def _without_ego(self, mask: Image) -> Image:
        ego = self._ego_like(mask)
        return mask if ego is None else _both(mask, ~ego)

    def _ego_like(self, image: Image) -> Image | None:
        """Return the ego mask, 0 or 255, at an image's size."""
        if self._ego is None or self._scaled_ego is None:
            return None
        if self._scaled_ego.shape != image.shape:
            size = (image.shape[1], image.shape[0])
            scaled = cv2.resize(self._ego, size, interpolation=cv2.INTER_NEAREST_EXACT)
            self._scaled_ego = np.asarray(scaled, np.uint8)
        return self._scaled_ego


def _level(name: str, confidence: float) -> int:
    """Return the smallest 8-bit confidence that is not below `confidence`."""
    if not 0 <= confidence <= 1:
        raise ValueError(f'{name}: expected 0 to 1, got {confidence}')
    return math.ceil(confidence * 255)


def _binary(ego_mask: npt.NDArray[Any]) -> Image:
    if ego_mask.ndim != 2 or ego_mask.dtype not in (np.bool_, np.uint8) or not ego_mask.size:
        raise ValueError(
            'ego mask: expected a grey 8-bit image, non-zero on the vehicle, got '
            f'{ego_mask.dtype} {list(ego_mask.shape)}'
        )
    binary = np.zeros(ego_mask.shape, np.uint8)
    binary[ego_mask != 0] = 255
    return binary


def _at_least(segmentation: Segmentation, level: int) -> Image:
    """Return 255 where the confidence reaches an 8-bit level, else 0."""
    if segmentation.confidence is None:
        raise ValueError('segmentation: expected one with confidence; segment with want_confidence')
    _, mask = cv2.threshold(segmentation.confidence, level - 1, 255, cv2.THRESH_BINARY)
    return np.asarray(mask, np.uint8)


def _union(first: Image, second: Image) -> Image:
    return np.asarray(cv2.bitwise_or(first, second), np.uint8)


def _both(first: Image, second: Image) -> Image:
    return np.asarray(cv2.bitwise_and(first, second), np.uint8)
