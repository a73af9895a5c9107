"""Max-pooling that remembers its winners, and un-pooling to where they stood, in plain operators.

ONNX has no un-pooling that ONNX Runtime and TensorRT both take. Here the winner of each 2x2 window
is kept as a number, and un-pooling is a value up-sampled to the window times a mask that is 1 at
the winner alone. Both agree with torch's `max_pool2d(ceil_mode=True, return_indices=True)` and
`max_unpool2d` to the last bit; of equal values the first in reading order wins, as there.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pool(x: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the largest of each 2x2 window of [N, C, height, width], and which it is, 0 to 3.

    Both are [N, C, ceil(height / 2), ceil(width / 2)]; winners are numbered in reading order. A
    window that reaches beyond the border has the pixels within alone. `height` and `width` are
    constants of the graph; `x` must be finite.
    """
    odd = height % 2 or width % 2
    # A copy of the border never beats the border: it stands after it in reading order.
    even = F.pad(x, (0, width % 2, 0, height % 2), mode='replicate') if odd else x
    windows = even.view(-1, x.shape[1], -(-height // 2), 2, -(-width // 2), 2)
    upper, lower = windows.unbind(3)
    (a, b), (c, d) = upper.unbind(-1), lower.unbind(-1)
    # By comparisons of the values themselves there is one winner in any precision; comparing them
    # with the pooled value would find none where rounding came between.
    below = (torch.maximum(c, d) > torch.maximum(a, b)).to(x.dtype)
    right_above, right_below = (b > a).to(x.dtype), (d > c).to(x.dtype)
    winner = right_above + below * (right_below - right_above + 2)
    return F.max_pool2d(even, 2), winner


def unpool(x: Tensor, winner: Tensor, height: int, width: int) -> Tensor:
    """Return [N, C, height, width] with each value of `x` where its winner stood, 0 elsewhere.

    :param x: and `winner`: [N, C, ceil(height / 2), ceil(width / 2)], `winner` as of `pool`.
    """
    rows, columns = -(-height // 2), -(-width // 2)
    places = torch.tensor([[0, 1], [2, 3]], dtype=x.dtype, device=x.device).repeat(rows, columns)
    winner, values = (F.interpolate(t, scale_factor=2.0, mode='nearest') for t in (winner, x))
    filled = values * (winner == places).to(x.dtype)
    return filled[..., :height, :width] if height % 2 or width % 2 else filled
