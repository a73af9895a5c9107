"""One camera of the node, from configuring to cleaning up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.encodings import ImageError
from seg_perception.core.products import Products
from seg_perception.core.view import View
from seg_perception.inference.supervised import InferenceError
from seg_perception.ros.camera_ground import CameraGround
from seg_perception.ros.camera_info import CameraInfoError
from seg_perception.ros.complaints import Complaints
from seg_perception.ros.frame_age import StaleFrameError
from seg_perception.ros.frame_counts import Drop, FrameCounts
from seg_perception.ros.lost_frames import LostFrames
from seg_perception.ros.publishers import Publishers

if TYPE_CHECKING:
    from rclpy.node import Node

    from seg_perception.core.contract import ModelContract
    from seg_perception.core.labels import LabelSet
    from seg_perception.ros.diagnostics import Health
    from seg_perception.ros.settings import Settings
    from seg_perception.ros.vehicle_frames import VehicleFrames


class SettingsError(ValueError):
    """A file named in the settings cannot be used."""


class Camera:
    """What the node keeps of a camera: its outputs, its counts and how its images are seen.

    :param settings: of this camera.
    :raises LabelError, SettingsError, RuntimeError: in one sentence; nothing is left of it then.
    """

    def __init__(
        self, node: Node, name: str, settings: Settings, labels: LabelSet, frames: VehicleFrames
    ) -> None:
        self.name = name
        self.settings = settings
        self.class_count = len(labels.labels)
        self.labels = labels
        self._ego_mask = _load_ego_mask(settings.ego_mask)
        self._products = self._make_products(settings)
        self._view: View | None = None
        self._contract: ModelContract | None = None
        self.ground = CameraGround(settings, labels, frames, self._ego_mask)
        self.publishers = Publishers(node, name, unmade=self._products.unmade)
        self.complaints = Complaints(node.get_logger().error)
        self.counts = FrameCounts()
        self.lost = LostFrames()

    def close(self) -> None:
        """Withdraw the outputs."""
        self.publishers.close()

    def asked_in_vain(self) -> str:
        """Return why something that somebody listens to cannot be made; empty if there is none."""
        return '; '.join(filter(None, [self.publishers.asked_in_vain(), self.ground.problem]))

    def health(self, shared: Health) -> Health:
        """Return its health, beside what it shares with the other cameras."""
        return replace(
            shared,
            totals=self.counts.totals,
            latency=self.counts.latency,
            frames_lost=self.lost.lost,
            lost_share=self.lost.share,
            last_error=self.complaints.last,
        )

    def view(self, contract: ModelContract) -> View:
        """Return how this camera's images go into a network."""
        if self._view is None or self._contract is not contract:
            self._view = View(
                contract,
                geometry=self.settings.geometry,
                output=self.settings.output,
                region=self.settings.region_of_interest,
            )
            self._contract = contract
        return self._view

    def products(self, settings: Settings) -> Products:
        """Return what makes the outputs.

        :param settings: those of the node, with what may have changed at run time.
        """
        if _of_products(settings) != self._thresholds:
            self._products = self._make_products(settings)
        return self._products

    def drop(self, error: Exception) -> None:
        """Count a frame as dropped, and say why."""
        reason, sentence = Drop.BAD, str(error)
        if isinstance(error, StaleFrameError):
            reason = Drop.STALE
        elif not isinstance(error, (ImageError, CameraInfoError, InferenceError)):
            sentence = f'unexpected {error!r}; please report this'
        # Said first: whoever sees the count finds the reason.
        whose = f'{self.name}: ' if self.name else ''
        self.complaints.say(f'{whose}frame dropped: {sentence}')
        self.counts.dropped(reason)

    def _make_products(self, settings: Settings) -> Products:
        self._thresholds = _of_products(settings)
        return Products(self.labels, **self._thresholds, ego_mask=self._ego_mask)


def _of_products(settings: Settings) -> dict[str, float]:
    return {
        'drivable_min_confidence': settings.drivable_min_confidence,
        'label_min_confidence': settings.label_min_confidence,
        'overlay_alpha': settings.overlay_alpha,
    }


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
