from __future__ import annotations

import numpy as np
import pytest

from seg_perception.core.camera import crop_intrinsics, scale_intrinsics

K = [900.0, 2.0, 639.5, 0.0, 880.0, 359.5, 0.0, 0.0, 1.0]
P = [910.0, 0.0, 641.0, -91.0, 0.0, 890.0, 362.0, 4.0, 0.0, 0.0, 1.0, 0.5]


def test_half_the_size() -> None:
    k, p = scale_intrinsics(K, P, (1280, 720), (640, 360))
    # The centre of the picture stays its centre.
    assert k == [450.0, 1.0, 319.5, 0.0, 440.0, 179.5, 0.0, 0.0, 1.0]
    assert p == [455.0, 0.0, 320.25, -45.5, 0.0, 445.0, 180.75, 2.0, 0.0, 0.0, 1.0, 0.5]


def test_sides_scaled_differently() -> None:
    k, _ = scale_intrinsics(K, P, (1280, 720), (1024, 512))
    assert k[0] == pytest.approx(900 * 0.8)
    assert k[2] == pytest.approx(511.5)
    assert k[4] == pytest.approx(880 * 512 / 720)
    assert k[5] == pytest.approx(255.5)


def test_the_same_size_changes_nothing() -> None:
    assert scale_intrinsics(K, P, (1280, 720), (1280, 720)) == (K, P)
    assert scale_intrinsics(np.array(K), np.array(P), (64, 48), (64, 48)) == (K, P)


def test_there_and_back() -> None:
    k, p = scale_intrinsics(*scale_intrinsics(K, P, (1280, 720), (500, 99)), (500, 99), (1280, 720))
    assert k == pytest.approx(K)
    assert p == pytest.approx(P)


def test_a_point_lands_where_the_resized_picture_has_it() -> None:
    point = np.array([0.3, -0.2, 2.0])
    u, v, w = np.array(K).reshape(3, 3) @ point
    k, p = scale_intrinsics(K, P, (1280, 720), (320, 240))
    small = np.array(k).reshape(3, 3) @ point
    # The edge of a picture lies half a pixel before its first centre.
    assert small[0] / small[2] + 0.5 == pytest.approx((u / w + 0.5) * 320 / 1280)
    assert small[1] / small[2] + 0.5 == pytest.approx((v / w + 0.5) * 240 / 720)
    u, v, w = np.array(P).reshape(3, 4) @ [*point, 1]
    small = np.array(p).reshape(3, 4) @ [*point, 1]
    offset = (320 / 1280 - 1) / 2 * (w - point[2]) / w  # the part of P that is not of the point
    assert small[0] / small[2] + 0.5 == pytest.approx((u / w + 0.5) * 320 / 1280 - offset)


def test_a_crop_moves_the_principal_point_alone() -> None:
    k, p = crop_intrinsics(np.array(K), np.array(P), (40, 30))
    assert k == [900.0, 2.0, 599.5, 0.0, 880.0, 329.5, 0.0, 0.0, 1.0]
    assert p == [910.0, 0.0, 601.0, -91.0, 0.0, 890.0, 332.0, 4.0, 0.0, 0.0, 1.0, 0.5]
