"""Camera info as messages of rclpy; what it says is told by `core.camera_info`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor_msgs.msg import CameraInfo

from seg_perception.core.camera_info import (
    CameraInfoError,
    check_fits,
    fields_for_masks,
    image_size,
    is_calibrated,
)

if TYPE_CHECKING:
    from std_msgs.msg import Header

    from seg_perception.core.placement import Placement

__all__ = ['CameraInfoError', 'check_fits', 'image_size', 'info_for_masks', 'is_calibrated']


def info_for_masks(info: CameraInfo, header: Header, placement: Placement) -> CameraInfo:
    """Return the info for masks that lie like that, with the image's header."""
    return CameraInfo(header=header, **fields_for_masks(info, placement))
