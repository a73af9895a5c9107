"""Camera info: does it fit the image, and what does it become for the masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor_msgs.msg import CameraInfo

from seg_perception.core.camera import crop_intrinsics, scale_intrinsics

if TYPE_CHECKING:
    from std_msgs.msg import Header

    from seg_perception.core.placement import Placement


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


def info_for_masks(info: CameraInfo, header: Header, placement: Placement) -> CameraInfo:
    """Return the info for masks that lie like that, with the image's header.

    Masks on the image's own pixels get the camera's own info; for others the intrinsics are moved
    and scaled, and region and binning, which are contained in them then, are left out.
    """
    result = CameraInfo(header=header, distortion_model=info.distortion_model, d=info.d, r=info.r)
    size = placement.image_size
    if (placement.framed, placement.output_size) == ((0, 0, *size), size):
        result.width, result.height = info.width, info.height
        result.k, result.p = info.k, info.p
        result.binning_x, result.binning_y, result.roi = info.binning_x, info.binning_y, info.roi
        return result
    k, p = crop_intrinsics(info.k, info.p, (info.roi.x_offset, info.roi.y_offset))
    k, p = scale_intrinsics(k, p, _region_size(info), size)
    result.width, result.height = placement.output_size
    result.k, result.p = placement.intrinsics(k, p)
    return result


def _region_size(info: CameraInfo) -> tuple[int, int]:
    # A region of zeros means the whole sensor.
    return info.roi.width or info.width, info.roi.height or info.height
