"""Pooling and up-sampling as matrices, against torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seg_perception.models.networks.matrices import pooling_matrix, upsampling_matrix


@pytest.mark.parametrize('size', [(36, 64), (64, 128), (13, 7), (6, 6), (97, 193)])
@pytest.mark.parametrize('bins', [1, 2, 3, 6])
def test_pooling_is_adaptive_average_pooling(size: tuple[int, int], bins: int) -> None:
    features = np.random.default_rng(bins).normal(size=size)
    pooled = pooling_matrix(size[0], bins) @ features @ pooling_matrix(size[1], bins).T
    expected = F.adaptive_avg_pool2d(torch.from_numpy(features)[None], bins)[0].numpy()
    np.testing.assert_allclose(pooled, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize('size', [(36, 64), (13, 7), (1, 5)])
@pytest.mark.parametrize('bins', [1, 2, 3, 6])
@pytest.mark.parametrize('align_corners', [False, True])
def test_upsampling_is_bilinear(size: tuple[int, int], bins: int, align_corners: bool) -> None:
    cells = np.random.default_rng(bins).normal(size=(bins, bins))
    rows, columns = (upsampling_matrix(bins, n, align_corners=align_corners) for n in size)
    expected = F.interpolate(
        torch.from_numpy(cells)[None, None], size, mode='bilinear', align_corners=align_corners
    )[0, 0].numpy()
    np.testing.assert_allclose(rows @ cells @ columns.T, expected, rtol=0, atol=1e-14)


def test_windows_that_differ_overlap() -> None:
    # 7 places in 3 bins: 0-2, 2-4, 4-6, as torch cuts them.
    third = 1 / 3
    expected = [
        [third, third, third, 0, 0, 0, 0],
        [0, 0, third, third, third, 0, 0],
        [0, 0, 0, 0, third, third, third],
    ]
    np.testing.assert_allclose(pooling_matrix(7, 3), expected)
