"""What a sensor_msgs/CameraInfo says: does it fit the image, and what does it become for the masks.

Infos are taken as they come, of whatever library: only their fields matter.
"""

from __future__ import annotations

from typing import Any

from seg_perception.core.camera import crop_intrinsics, scale_intrinsics
from seg_perception.core.placement import Placement


class CameraInfoError(ValueError):
    """An image does not fit its camera info."""


def is_calibrated(info: Any) -> bool:
    """Tell whether the info says anything: drivers publish zeros for an uncalibrated camera.

    A focal length below 0 is none either (some releases of CARLA take degrees as radians).
    """
    return bool(info.width and info.height and info.k[0] > 0)


def image_size(info: Any) -> tuple[int, int]:
    """Return the (width, height) of the images the info is for: its region, binned."""
    width, height = _region_size(info)
    return width // max(info.binning_x, 1), height // max(info.binning_y, 1)


def check_fits(info: Any, size: tuple[int, int]) -> None:
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


def fields_for_masks(info: Any, placement: Placement) -> dict[str, Any]:
    """Return the fields of the info for masks that lie like that; all but the header.

    Masks on the image's own pixels get the camera's own info; for others the intrinsics are moved
    and scaled, and region and binning, which are contained in them then, are left out.
    """
    fields = {'distortion_model': info.distortion_model, 'd': info.d, 'r': info.r}
    size = placement.image_size
    if (placement.framed, placement.output_size) == ((0, 0, *size), size):
        same = ('width', 'height', 'k', 'p', 'binning_x', 'binning_y', 'roi')
        return fields | {name: getattr(info, name) for name in same}
    k, p = intrinsics_for(info, placement)
    width, height = placement.output_size
    return fields | {'width': width, 'height': height, 'k': k, 'p': p}


def intrinsics_for(info: Any, placement: Placement) -> tuple[list[float], list[float]]:
    """Return K and P in pixels of what is published of the camera's images."""
    k, p = crop_intrinsics(info.k, info.p, (info.roi.x_offset, info.roi.y_offset))
    k, p = scale_intrinsics(k, p, _region_size(info), placement.image_size)
    return placement.intrinsics(k, p)


def _region_size(info: Any) -> tuple[int, int]:
    # A region of zeros means the whole sensor.
    return info.roi.width or info.width, info.roi.height or info.height
