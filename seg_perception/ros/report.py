"""The report of one frame."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import cv2
import numpy as np

from seg_perception.core.labels import UNLABELLED
from seg_perception.msg import FrameReport
from seg_perception.ros.frame_counts import Drop, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from std_msgs.msg import Header

    from seg_perception.ros.pipeline import Picture


def frame_report(
    *,
    header: Header,
    model: str,
    backend: str,
    age: float,
    stage_ms: Mapping[str, float],
    totals: Totals,
    label: Picture,
    class_count: int,
) -> FrameReport:
    """Return the report of a frame.

    :param age: seconds.
    :param stage_ms: wait, decode, prepare, infer, finish, resize, publish and total.
    :param label: the published trainIds, uint8 [H, W].
    """
    pixels = cv2.calcHist([label], [0], None, [256], [0, 256]).ravel()
    shares = (pixels / label.size).astype(np.float32)
    return FrameReport(
        header=header,
        model=model,
        backend=backend,
        age=age,
        **{f'{stage}_ms': ms for stage, ms in stage_ms.items()},
        frames_in=totals.frames_in,
        frames_out=totals.frames_out,
        **{f'dropped_{reason.value}': totals.dropped[reason] for reason in Drop},
        class_share=array('f', shares[:class_count]),
        unlabelled_share=float(shares[UNLABELLED]),
    )
