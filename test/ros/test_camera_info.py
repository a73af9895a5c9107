from __future__ import annotations

from typing import Any

import pytest
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from seg_perception.core.placement import Placement
from seg_perception.core.view import View
from seg_perception.ros.camera_info import (
    CameraInfoError,
    check_fits,
    image_size,
    info_for_masks,
    is_calibrated,
)
from test.tiny_model import tiny_contract

K = [100.0, 0.0, 63.5, 0.0, 110.0, 31.5, 0.0, 0.0, 1.0]
P = [100.0, 0.0, 63.5, -12.0, 0.0, 110.0, 31.5, 0.0, 0.0, 0.0, 1.0, 0.0]
HEADER = Header(frame_id='camera')


def placement(size: tuple[int, int], **view: Any) -> Placement:
    return View(tiny_contract(), **view).placement(size)


@pytest.mark.parametrize(
    ('fields', 'size'),
    [
        ({}, (128, 64)),
        ({'binning_x': 1, 'binning_y': 1}, (128, 64)),
        ({'binning_x': 2, 'binning_y': 4}, (64, 16)),
        ({'roi': RegionOfInterest(x_offset=8, y_offset=4, width=40, height=20)}, (40, 20)),
        ({'roi': RegionOfInterest(width=40, height=20), 'binning_x': 2}, (20, 20)),
    ],
)
def test_size_of_the_image(fields: dict[str, object], size: tuple[int, int]) -> None:
    info = CameraInfo(width=128, height=64, k=K, **fields)
    assert image_size(info) == size
    check_fits(info, size)
    with pytest.raises(CameraInfoError, match=f'for {size[0]}x{size[1]}: remap camera_info'):
        check_fits(info, (size[0] + 1, size[1]))


def test_zeros_mean_uncalibrated() -> None:
    assert is_calibrated(CameraInfo(width=128, height=64, k=K))
    assert not is_calibrated(CameraInfo(width=128, height=64))
    assert not is_calibrated(CameraInfo(k=K))
    assert not is_calibrated(CameraInfo(width=128, height=64, k=[-100.0, *K[1:]]))


def test_masks_of_half_the_size() -> None:
    info = CameraInfo(width=128, height=64, k=K, p=P, r=[1.0] * 9, d=[0.5])
    result = info_for_masks(info, HEADER, placement((128, 64), output=(64, 32)))
    assert result.header == HEADER
    assert (result.width, result.height) == (64, 32)
    assert list(result.k) == [50, 0, 31.5, 0, 55, 15.5, 0, 0, 1]
    assert list(result.p) == [50, 0, 31.5, -6, 0, 55, 15.5, 0, 0, 0, 1, 0]
    assert list(result.d) == [0.5]
    assert list(result.r) == [1.0] * 9
    assert list(info.k) == K


def test_region_and_binning_become_part_of_the_intrinsics() -> None:
    roi = RegionOfInterest(x_offset=32, y_offset=16, width=64, height=32)
    info = CameraInfo(width=128, height=64, k=K, p=P, roi=roi, binning_x=2, binning_y=2)
    # The image is 32x16; masks of 16x8 are a quarter of the region.
    result = info_for_masks(info, HEADER, placement((32, 16), output=(16, 8)))
    assert (result.width, result.height, result.binning_x) == (16, 8, 0)
    assert result.roi == RegionOfInterest()
    cx, cy = (63.5 - 32 + 0.5) / 4 - 0.5, (31.5 - 16 + 0.5) / 4 - 0.5
    assert list(result.k) == [25, 0, cx, 0, 27.5, cy, 0, 0, 1]


def test_masks_of_the_image_size_have_its_own_info() -> None:
    roi = RegionOfInterest(x_offset=32, y_offset=16, width=64, height=32)
    info = CameraInfo(width=128, height=64, k=K, p=P, roi=roi, binning_x=2, binning_y=2)
    info.header = HEADER
    assert info_for_masks(info, HEADER, placement((32, 16))) == info


def test_masks_of_a_part_of_the_image_have_its_principal_point_moved() -> None:
    info = CameraInfo(width=128, height=64, k=K, p=P)
    part = placement((128, 64), geometry='crop', region=(40, 8, 64, 32), output='network')
    result = info_for_masks(info, HEADER, part)
    # The part is shown twice as large, from its corner on.
    assert (result.width, result.height) == (128, 64)
    cx, cy = 2 * (63.5 - 40 + 0.5) - 0.5, 2 * (31.5 - 8 + 0.5) - 0.5
    assert list(result.k) == [200, 0, cx, 0, 220, cy, 0, 0, 1]
