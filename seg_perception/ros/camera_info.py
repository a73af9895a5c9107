"""Camera info: does it fit the image, and what does it become for the masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor_msgs.msg import CameraInfo

from seg_perception.core.camera import scale_intrinsics

if TYPE_CHECKING:
    from std_msgs.msg import Header


class CameraInfoError(ValueError):
    """An image does not fit its camera info."""


def is_calibrated(info: CameraInfo) -> bool:
    """Tell whether the info says anything: drivers publish zeros for an uncalibrated camera."""
    return bool(info.width and info.height and info.k[0])


def image_size(info: CameraInfo) -> tuple[int, int]:
    """Return the (width, height) of the images the info is for: its region, binned."""
    width, height = _region_size(info)
    return width // max(info.binning_x, 1), height // max(info.binning_y, 1)


def check_fits(info: CameraInfo, size: tuple[int, int]) -> None:
    """Check the info against an image's (width, height).

    :raises CameraInfoError: when they differ.
    """
    expected = image_size(info)
    if size != expected:
        raise CameraInfoError(
            f'image of {size[0]}x{size[1]} does not fit its camera info, which is for '
            f'{expected[0]}x{expected[1]}: remap camera_info to the same camera, '
            'calibrate at this size or set its binning'
        )


def info_for_masks(info: CameraInfo, header: Header, size: tuple[int, int]) -> CameraInfo:
    """Return the info for masks of `size` (width, height), with the image's header.

    Masks of the image's size get the camera's own info; for others the intrinsics are scaled, and
    region and binning, which are contained in them then, are left out.
    """
    result = CameraInfo(header=header, distortion_model=info.distortion_model, d=info.d, r=info.r)
    if size == image_size(info):
        result.width, result.height = info.width, info.height
        result.k, result.p = info.k, info.p
        result.binning_x, result.binning_y, result.roi = info.binning_x, info.binning_y, info.roi
        return result
    k, p = info.k.copy(), info.p.copy()
    for matrix, row in ((k, 3), (p, 4)):
        matrix[2] -= info.roi.x_offset
        matrix[row + 2] -= info.roi.y_offset
    result.width, result.height = size
    result.k, result.p = scale_intrinsics(k, p, _region_size(info), size)
    return result


def _region_size(info: CameraInfo) -> tuple[int, int]:
    # A region of zeros means the whole sensor.
    return info.roi.width or info.width, info.roi.height or info.height
