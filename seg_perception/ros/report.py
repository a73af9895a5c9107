"""The report of one frame."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED
from seg_perception.msg import FrameReport
from seg_perception.ros.frame_counts import Drop, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from std_msgs.msg import Header

    from seg_perception.core.ground.health import Health


def frame_report(
    *,
    header: Header,
    camera: str,
    model: str,
    backend: str,
    batch: int,
    age: float,
    stage_ms: Mapping[str, float],
    totals: Totals,
    frames_lost: int,
    pixels: npt.NDArray[np.int64],
    class_count: int,
    health: Health,
) -> FrameReport:
    """Return the report of a frame.

    :param age: seconds.
    :param stage_ms: wait, decode, prepare, queue, infer, finish, make, publish and total.
    :param pixels: how many pixels of the published label have each value, [256].
    """
    shares = (pixels / pixels.sum()).astype(np.float32)
    return FrameReport(
        header=header,
        camera=camera,
        model=model,
        backend=backend,
        batch=batch,
        age=age,
        **{f'{stage}_ms': ms for stage, ms in stage_ms.items()},
        frames_in=totals.frames_in,
        frames_out=totals.frames_out,
        **{f'dropped_{reason.value}': totals.dropped[reason] for reason in Drop},
        frames_lost=frames_lost,
        class_share=array('f', shares[:class_count]),
        unlabelled_share=float(shares[UNLABELLED]),
        usable=health.usable,
        reasons=list(health.reasons),
        mean_confidence=health.mean_confidence,
        change=health.change,
        brightness=health.brightness,
        contrast=health.contrast,
        frozen_for=health.frozen_for,
    )
