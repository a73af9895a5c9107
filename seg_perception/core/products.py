"""What a camera publishes of labels: label, confidence, masks for planners, pictures for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core import labels as label_sets
from seg_perception.core.encodings import RawImage
from seg_perception.core.labels import UNLABELLED, LabelError, LabelSet
from seg_perception.core.paint import colorize, overlay
from seg_perception.core.placement import Placement

Image = npt.NDArray[np.uint8]
Allocate = Callable[[tuple[int, ...]], Image]

LABEL = 'label'
CONFIDENCE = 'confidence'
DRIVABLE = label_sets.DRIVABLE
OBSTACLE = label_sets.OBSTACLE
COLOR = 'color'
OVERLAY = 'overlay'

PRODUCTS = (LABEL, CONFIDENCE, DRIVABLE, OBSTACLE, COLOR, OVERLAY)
"""The names of all of them."""


class Products:
    """Makes what is published of one camera; not for several threads at once.

    - `label`: uint8 [H, W], trainIds; 255 (unlabelled) where it is not confident enough, the ego
      vehicle or outside of what the network saw.
    - `confidence`: uint8 [H, W], 0 to 255; 0 outside of what the network saw.
    - `drivable`: uint8 [H, W], 255 where to drive; 0 is no, unknown or the ego vehicle.
    - `obstacle`: uint8 [H, W], 255 on what would be hit, at any confidence; 0 the ego vehicle.
    - `color`: uint8 [H, W, 3], BGR, the label in its classes' colours; black if unlabelled.
    - `overlay`: uint8 [H, W, 3], BGR, the image under these; unlabelled pixels stay.

    A pixel that is 0 in both masks is unknown or of no interest: it is not free. Label, confidence
    and masks of one pixel are those of one pixel of the network's labels.

    :param drivable_min_confidence: confidence (0 to 1) from which a drivable label is believed; no
        pixel below `label_min_confidence` is drivable either.
    :param label_min_confidence: confidence (0 to 1) below which a label becomes unlabelled.
    :param overlay_alpha: weight (0 to 1) of the colours in the overlay.
    :param ego_mask: [H, W], bool or uint8, non-zero where the camera sees its own vehicle; of any
        size, laid over the camera image by nearest neighbour.
    :raises LabelError: when the label set has a class in both groups.
    :raises ValueError: when a number is not 0 to 1 or the ego mask is not such an image.
    """

    def __init__(
        self,
        labels: LabelSet,
        *,
        drivable_min_confidence: float,
        label_min_confidence: float,
        overlay_alpha: float = 0.5,
        ego_mask: npt.NDArray[Any] | None = None,
    ) -> None:
        _check_groups(labels)
        self._label_level = _level('label_min_confidence', label_min_confidence)
        self._drivable_level = max(
            _level('drivable_min_confidence', drivable_min_confidence), self._label_level
        )
        self._alpha = _share('overlay_alpha', overlay_alpha)
        self._colors = labels.color_table()
        self._ego = None if ego_mask is None else _Ego(ego_mask)
        self._tables: dict[str, Image] = {}
        unmade: dict[str, str] = {}
        for group in (DRIVABLE, OBSTACLE):
            try:
                self._tables[group] = labels.group_table(group)
            except LabelError as error:
                unmade[group] = str(error)
        self._makers = {
            LABEL: self._label,
            CONFIDENCE: self._confidence,
            DRIVABLE: self._drivable,
            OBSTACLE: self._obstacle,
            COLOR: self._color,
            OVERLAY: self._overlay,
        }
        self.unmade: Mapping[str, str] = unmade
        """The masks that cannot be made, and why: the label set lacks their group."""

    def needs_confidence(self, wanted: Collection[str]) -> bool:
        """Tell whether the network's confidence is needed to make what is wanted."""
        return CONFIDENCE in wanted or DRIVABLE in wanted or self._label_level > 0

    def make(
        self,
        label: Image,
        confidence: Image | None,
        placement: Placement,
        wanted: Collection[str],
        *,
        image: RawImage | None = None,
        allocate: Allocate | None = None,
    ) -> dict[str, Image]:
        """Make those of `PRODUCTS` that are wanted.

        :param label: trainIds, uint8 [h, w] at label size, as a runner makes them.
        :param confidence: 0 to 255, uint8 [h, w], likewise; None where it is not needed.
        :param image: the camera's image, for the overlay.
        :param allocate: returns contiguous memory, uint8 of a shape, for one product; new arrays
            otherwise.
        :raises LabelError: when the label set lacks the group of a mask that is wanted.
        :raises ValueError: when a confidence or an image is needed and there is none.
        """
        frame = _Frame(label, confidence, placement, image, allocate or _new)
        return {name: self._makers[name](frame) for name in PRODUCTS if name in wanted}

    def count(
        self, label: Image, confidence: Image | None, placement: Placement
    ) -> npt.NDArray[np.int64]:
        """Return how many pixels of the published label have each value, [256].

        Exact, and counted at label size.

        :raises ValueError: when the confidence is needed and there is none.
        """
        believed = self._believed(_Frame(label, confidence, placement, None, _new))
        shares = placement.shares if self._ego is None else self._ego.shares(placement)
        if isinstance(shares, int):
            counts = cv2.calcHist([believed], [0], None, [256], [0, 256]).ravel().astype(np.int64)
            counts *= shares
        else:
            counts = np.bincount(believed.ravel(), shares.ravel(), 256).astype(np.int64)
        width, height = placement.output_size
        counts[UNLABELLED] += width * height - counts.sum()
        return counts

    def _label(self, frame: _Frame) -> Image:
        return self._publish(frame, self._believed(frame), UNLABELLED)

    def _confidence(self, frame: _Frame) -> Image:
        return frame.restore(frame.known_confidence, 0)

    def _drivable(self, frame: _Frame) -> Image:
        mask = _look_up(frame.label, self._table(DRIVABLE))
        believed = _at_least(frame.known_confidence, self._drivable_level)
        return self._publish(frame, np.asarray(cv2.bitwise_and(mask, believed), np.uint8), 0)

    def _obstacle(self, frame: _Frame) -> Image:
        return self._publish(frame, _look_up(frame.label, self._table(OBSTACLE)), 0)

    def _color(self, frame: _Frame) -> Image:
        label = self._label(replace(frame, allocate=_new))
        return colorize(label, self._colors, frame.allocate((*label.shape, 3)))

    def _overlay(self, frame: _Frame) -> Image:
        if frame.image is None:
            raise ValueError('overlay: expected the image under it, got none; give `image`')
        placement = frame.placement
        picture = frame.allocate((*placement.output_size[::-1], 3))
        frame.image.bgr(placement.output_size, picture, region=placement.framed)
        label = self._label(replace(frame, allocate=_new))
        overlay(picture, label, colorize(label, self._colors), self._alpha)
        return picture

    def _believed(self, frame: _Frame) -> Image:
        """Return the label, 255 where it is not confident enough."""
        if self._label_level == 0:
            return frame.label
        doubted = cv2.bitwise_not(_at_least(frame.known_confidence, self._label_level))
        return np.asarray(cv2.bitwise_or(frame.label, doubted), np.uint8)

    def _publish(self, frame: _Frame, picture: Image, fill: int) -> Image:
        """Return a picture at the published size, `fill` where the ego vehicle is."""
        out = frame.restore(picture, fill)
        if self._ego is not None:
            self._ego.cover(out, fill, frame.placement)
        return out

    def _table(self, group: str) -> Image:
        if group in self.unmade:
            raise LabelError(self.unmade[group])
        return self._tables[group]


@dataclass(frozen=True, eq=False)
class _Frame:
    """What `make` is given."""

    label: Image
    confidence: Image | None
    placement: Placement
    image: RawImage | None
    allocate: Allocate

    @property
    def known_confidence(self) -> Image:
        if self.confidence is None:
            raise ValueError('confidence: expected one, got none; infer with want_confidence')
        return self.confidence

    def restore(self, picture: Image, fill: int) -> Image:
        out = self.allocate(self.placement.output_size[::-1])
        return self.placement.restore(picture, fill, out)


class _Ego:
    """Where a camera sees its own vehicle, laid over what is published.

    :param mask: [H, W], bool or uint8, non-zero on the vehicle.
    :raises ValueError: when it is no such image.
    """

    def __init__(self, mask: npt.NDArray[Any]) -> None:
        if mask.ndim != 2 or mask.dtype not in (np.bool_, np.uint8) or not mask.size:
            raise ValueError(
                'ego mask: expected a grey 8-bit image, non-zero on the vehicle, got '
                f'{mask.dtype} {list(mask.shape)}'
            )
        self._mask = np.where(mask, np.uint8(255), np.uint8(0))
        self._placement: Placement | None = None
        self._cover = np.empty((0, 0), np.uint8)
        self._shares = np.empty((0, 0), np.int64)

    def cover(self, picture: Image, fill: int, placement: Placement) -> None:
        """Write `fill` where the vehicle is."""
        self._fit(placement)
        cv2.copyTo(np.full_like(picture, fill), self._cover, dst=picture)

    def shares(self, placement: Placement) -> npt.NDArray[np.int64]:
        """Return how many published pixels beside the vehicle each label pixel became, [h, w]."""
        self._fit(placement)
        return self._shares

    def _fit(self, placement: Placement) -> None:
        if self._placement is not placement:
            self._cover = placement.sample(self._mask)
            self._shares = placement.count(self._cover == 0)
            self._placement = placement


def _check_groups(labels: LabelSet) -> None:
    empty: frozenset[int] = frozenset()
    if both := labels.groups.get(DRIVABLE, empty) & labels.groups.get(OBSTACLE, empty):
        names = ', '.join(labels.names[train_id] for train_id in sorted(both))
        raise LabelError(
            f'label set {labels.name} has {names} in drivable and in obstacle; leave each '
            'class in one of them'
        )


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f'{name}: expected 0 to 1, got {value}')
    return value


def _level(name: str, confidence: float) -> int:
    """Return the smallest 8-bit confidence that is not below `confidence`."""
    return math.ceil(_share(name, confidence) * 255)


def _look_up(label: Image, table: Image) -> Image:
    return np.asarray(cv2.LUT(label, table), np.uint8)


def _at_least(confidence: Image, level: int) -> Image:
    """Return 255 where the confidence reaches an 8-bit level, else 0."""
    _, mask = cv2.threshold(confidence, level - 1, 255, cv2.THRESH_BINARY)
    return np.asarray(mask, np.uint8)


def _new(shape: tuple[int, ...]) -> Image:
    return np.empty(shape, np.uint8)
