"""How far two runs differ on the ground: the free space that each sees, bearing by bearing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.camera_info import is_calibrated
from seg_perception.core.ground.bearings import Fan, Trust
from seg_perception.core.ground.free_space import FreeSpaceFinder
from seg_perception.core.ground.lens import make_lens
from seg_perception.core.ground.mount import GroundCamera, Mount
from seg_perception.core.labels import LabelSet

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Gap:
    """How far the free space of two runs differs in a frame, metres over all bearings.

    :ivar mean: of the absolute differences.
    :ivar farther: the most that the second run sees farther than the first; 0 if nowhere.
    """

    mean: float
    farther: float


class FreeSpaceGap:
    """Measures frames of calibrated cameras on flat ground.

    :param height: of the cameras above the ground, metres.
    :param pitch: degrees, positive looks down.
    :param min_confidence: 0 to 1, from which a drivable label is believed.
    :raises MountError: when the height is not above 0.
    """

    def __init__(
        self, labels: LabelSet, height: float, pitch: float = 0.0, *, min_confidence: float = 0.5
    ) -> None:
        self._labels = labels
        self._mount = Mount.from_angles(height, pitch=math.radians(pitch))
        self._level = math.ceil(min_confidence * 255)
        self._finders: dict[tuple[object, ...], FreeSpaceFinder] = {}

    def measure(
        self, info: Any, first: tuple[Image, Image], second: tuple[Image, Image]
    ) -> Gap | None:
        """Compare label and confidence, uint8 [H, W] each, of two runs.

        :param info: sensor_msgs/CameraInfo of these images.
        :returns: None where the camera is not calibrated or sees no ground.
        :raises LensError: when the calibration cannot be used.
        :raises LabelError: when the label set lacks a group.
        """
        if info is None or not is_calibrated(info):
            return None
        height, width = first[0].shape
        key = (width, height, info.distortion_model, *info.k, *info.d)
        if key not in self._finders:
            lens = make_lens(list(info.k), list(info.d), info.distortion_model)
            fan = Fan(GroundCamera(lens, self._mount), (width, height), Trust())
            self._finders[key] = FreeSpaceFinder(
                fan, self._labels, min_drivable=self._level, min_label=0
            )
        finder = self._finders[key]
        one, other = finder.find(*first), finder.find(*second)
        seen = ~np.isnan(one.near)
        if not seen.any():
            return None
        gap = (other.range - one.range)[seen]
        return Gap(float(np.abs(gap).mean()), float(max(gap.max(), 0.0)))
