"""Un-pooling in plain operators is torch's own, ties and cut-off windows included."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seg_perception.models.networks.unpooling import pool, unpool

SIZES = [(4, 6), (2, 2), (7, 6), (8, 5), (9, 11), (1, 1), (1, 4)]


def reference(x: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return pooled, F.max_unpool2d(values, indices, 2, output_size=x.shape[2:])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('levels', [1, 2, 3, 1000])
def test_it_is_torchs_own(size: tuple[int, int], levels: int) -> None:
    """Few different numbers make every kind of tie; negative ones are no special case."""
    generator = torch.Generator().manual_seed(levels)
    x = torch.randint(-levels // 2, levels // 2 + 1, (20, 3, *size), generator=generator).float()
    values = torch.randn(20, 3, -(-size[0] // 2), -(-size[1] // 2), generator=generator)
    pooled, winner = pool(x, *size)
    expected_pooled, expected = reference(x, values)
    assert torch.equal(pooled, expected_pooled)
    assert torch.equal(unpool(values, winner, *size), expected)


def test_all_ties_there_are() -> None:
    """Each of the 16 windows of zeros and ones: one winner, the first of the largest."""
    bits = torch.arange(16)[:, None] >> torch.arange(3, -1, -1) & 1
    windows = bits.float().view(16, 1, 2, 2)
    _, winner = pool(windows, 2, 2)
    first = [0, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert winner.flatten().tolist() == first
    ones = unpool(torch.ones(16, 1, 1, 1), winner, 2, 2)
    assert torch.equal(ones.flatten(1).argmax(1), torch.tensor(first))
    assert torch.equal(ones.sum((1, 2, 3)), torch.ones(16))


def test_half_precision_has_one_winner_too() -> None:
    x = torch.rand(2, 4, 6, 6).half()
    pooled, winner = pool(x, 6, 6)
    filled = unpool(torch.ones_like(pooled), winner, 6, 6)
    assert filled.dtype == torch.float16
    assert torch.equal(F.avg_pool2d(filled, 2), torch.full_like(pooled, 0.25))
