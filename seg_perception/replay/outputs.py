"""What is written of a frame: the node's topics, as messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.camera_info import fields_for_masks, is_calibrated
from seg_perception.core.ground.health import Health
from seg_perception.core.labels import UNLABELLED
from seg_perception.core.placement import Placement
from seg_perception.core.products import (
    COLOR,
    CONFIDENCE,
    DRIVABLE,
    LABEL,
    OBSTACLE,
    OVERLAY,
    PRODUCTS,
)
from seg_perception.replay.bag_frames import COMPRESSED
from seg_perception.replay.frame import Camera
from seg_perception.replay.messages import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    FRAME_REPORT,
    IMAGE,
    message_type,
    serialize,
)
from seg_perception.replay.storage import Data

Picture = npt.NDArray[np.uint8]

NODE = '/segmentation'
"""The node's name where nobody gives it another."""

OUTPUTS = (*PRODUCTS, COLOR + COMPRESSED, OVERLAY + COMPRESSED)
DEFAULT_OUTPUTS = (LABEL, CONFIDENCE, DRIVABLE, OBSTACLE)
INFO, REPORT = 'camera_info', 'report'

MEASURED = ('mean_confidence', 'change', 'brightness', 'contrast', 'frozen_for')
"""What is measured of a frame's health."""

STAGES = ('decode', 'prepare', 'infer', 'finish', 'make')
"""Whose times are measured, in order."""


def topics_of(camera: Camera, alone: bool, outputs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return a camera's topics and their types by the name of the output.

    :param alone: whether it is the only one, whose topics are right below the node.
    """
    prefix = NODE if alone else f'{NODE}/{camera.name}'
    kinds = {
        name: COMPRESSED_IMAGE if name.endswith(COMPRESSED) else IMAGE
        for name in OUTPUTS
        if name in outputs
    }
    if camera.info_topic:
        kinds[INFO] = CAMERA_INFO
    kinds[REPORT] = FRAME_REPORT
    return {name: (f'{prefix}/{name}', kind) for name, kind in kinds.items()}


def products_of(outputs: Collection[str]) -> frozenset[str]:
    """Return the products that outputs are made of."""
    return frozenset(name.removesuffix(COMPRESSED) for name in outputs)


def jpeg_message(header: Any, picture: Picture, quality: int) -> Data:
    """Return a BGR picture, uint8 [H, W, 3], as a serialised CompressedImage."""
    _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    kind = message_type(COMPRESSED_IMAGE)
    return serialize(kind(header, 'bgr8; jpeg compressed bgr8', np.asarray(data).reshape(-1)))


def info_message(header: Any, info: Any, placement: Placement) -> Data | None:
    """Return the camera info for the masks, serialised; None where there is no calibration."""
    if info is None or not is_calibrated(info):
        return None
    fields = fields_for_masks(info, placement)
    if 'roi' not in fields:
        roi = type(info.roi)(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
        fields |= {'binning_x': 0, 'binning_y': 0, 'roi': roi}
    fields |= {name: np.asarray(fields[name], np.float64) for name in ('k', 'p')}
    # Of a ROS 1 recording it is of another class, with the same fields.
    return serialize(message_type(CAMERA_INFO)(header=header, **fields))


def report_message(
    header: Any,
    *,
    camera: str,
    model: str,
    backend: str,
    stage_ms: Mapping[str, float],
    counts: Mapping[str, int],
    shares: Sequence[float],
    unlabelled: float,
    health: Health,
) -> Data:
    """Return the report of a frame, serialised.

    There is no clock and nobody waits: age and the times of waiting are 0.

    :param counts: `frames_in`, `frames_out` and `dropped_bad`.
    :param shares: of the pixels of the label, by trainId.
    """
    times = {f'{stage}_ms': float(stage_ms.get(stage, 0.0)) for stage in ('wait', *STAGES)}
    return serialize(
        message_type(FRAME_REPORT)(
            header=header,
            camera=camera,
            model=model,
            backend=backend,
            batch=1,
            age=0.0,
            **times,
            queue_ms=0.0,
            publish_ms=0.0,
            total_ms=float(sum(stage_ms.values())),
            dropped_busy=0,
            dropped_stale=0,
            frames_lost=0,
            **counts,
            class_share=np.asarray(shares, np.float32),
            unlabelled_share=unlabelled,
            usable=health.usable,
            reasons=list(health.reasons),
            **{name: float(getattr(health, name)) for name in MEASURED},
        )
    )


def shares_of(pixels: npt.NDArray[np.int64], classes: int) -> tuple[list[float], float]:
    """Return the share of each class and of what is unlabelled, from pixels by value, [256]."""
    shares = pixels / max(int(pixels.sum()), 1)
    return shares[:classes].tolist(), float(shares[UNLABELLED])
