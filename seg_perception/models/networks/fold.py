"""The fuse convolution of a PSPNet with its pooled half done on the pooled cells: exact, less work.

Convolution and bilinear up-sampling are linear, so of a convolution over features beside
up-sampled maps `A_h p A_w.T` the maps' share can be had without making them: each tap of the
kernel mixes the few cells of `p`, and the shift that the tap stands for goes into the up-sampling
matrices, zero where it leaves the image. For ResNet-50 that is a fifth of the whole network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.models.networks.matrices import upsampling_matrix


class FoldedFuse(nn.Module):
    """Convolution, batch normalisation and ReLU over features and pooled maps.

    :param fuse: the three, with trained weights and statistics, for evaluation.
    :param features: where the features lie among the convolution's inputs.
    :param maps: where each level's maps lie.
    :param bins: cells a side of each level.
    :param size: (height, width) of the features.
    """

    def __init__(
        self,
        fuse: nn.Sequential,
        features: slice,
        maps: Sequence[slice],
        bins: Sequence[int],
        size: tuple[int, int],
        *,
        align_corners: bool,
    ) -> None:
        super().__init__()
        convolution, norm, _ = fuse
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weight = convolution.weight.detach().double() * scale.detach().view(-1, 1, 1, 1)
        self._kernel: int = weight.shape[-1]
        self._levels = len(maps)
        self._keep('weight', weight[:, features])
        self._keep('bias', (norm.bias.double() - norm.running_mean.double() * scale).detach())
        columns = []
        for index, (place, cells) in enumerate(zip(maps, bins, strict=True)):
            rows, across = (
                _shifted(upsampling_matrix(cells, n, align_corners=align_corners), self._kernel)
                for n in size
            )
            # A transposed convolution whose stride is its kernel's side lays the taps of each
            # cell side by side.
            self._keep(f'taps{index}', weight[:, place].transpose(0, 1))
            self._keep(f'rows{index}', torch.from_numpy(rows))
            columns.append(across)
        self._keep('columns', torch.from_numpy(np.concatenate(columns, axis=1).T))

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value.float().contiguous(), persistent=False)

    def forward(self, x: Tensor, pooled: Sequence[Tensor]) -> Tensor:
        """Return [N, F, h, w] of features [N, C, h, w] and maps [N, P, bins, bins] a level."""
        tall = []
        for index, cells in enumerate(pooled):
            taps = F.conv_transpose2d(cells, self.get_buffer(f'taps{index}'), stride=self._kernel)
            tall.append(self.get_buffer(f'rows{index}') @ taps)
        share = torch.cat(tall, dim=-1) @ self.get_buffer('columns')
        weight, bias = self.get_buffer('weight'), self.get_buffer('bias')
        return F.relu(F.conv2d(x, weight, bias, padding=self._kernel // 2) + share)


def _shifted(matrix: npt.NDArray[np.float64], kernel: int) -> npt.NDArray[np.float64]:
    """Return [size, cells * kernel]: for each cell its column of [size, cells], once a tap.

    The column of tap `t` gives at each place what lies `t - kernel // 2` further, zero beyond the
    border: the convolution's padding.
    """
    reach = kernel // 2
    size, cells = matrix.shape
    padded = np.pad(matrix, ((reach, reach), (0, 0)))
    taps = [padded[tap : tap + size] for tap in range(kernel)]
    return np.stack(taps, axis=2).reshape(size, cells * kernel)
