"""PSPNet: a dilated backbone, pyramid pooling, a classifier and an auxiliary head.

Zhao, Shi, Qi, Wang, Jia: Pyramid Scene Parsing Network, CVPR 2017, arXiv:1612.01105.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.models.networks.architecture import Architecture
from seg_perception.models.networks.efficientnet_lite import EfficientNetLite0
from seg_perception.models.networks.fold import FoldedFuse
from seg_perception.models.networks.matrices import pooling_matrix, upsampling_matrix
from seg_perception.models.networks.mobilenet_v2 import MobileNetV2
from seg_perception.models.networks.network import Backbone, Network, conv_bn_relu
from seg_perception.models.networks.resnet import ResNet


class PyramidPooling(nn.Module):
    """The pyramid pooling module: features beside their averages over 1, 4, 9 and 36 regions.

    :param levels: for each of the architecture's bins, what becomes of the averages.
    :param inputs: channels of the features.
    """

    def __init__(
        self, architecture: Architecture, levels: Sequence[nn.Module], inputs: int
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleList(levels)
        self._bins = architecture.bins
        self._align_corners = architecture.align_corners
        self._order = architecture.concat
        self._inputs = inputs
        self._channels = architecture.pool_channels
        self.out_channels = inputs + self._channels * len(self._bins)
        self.fixed: nn.ModuleList | None = None

    def fix_size(self, height: int, width: int) -> None:
        """Pool by constant matrices made for features of [height, width]: the form for export."""
        size = height, width
        self.fixed = nn.ModuleList(
            _FixedLevel(bins, size, align_corners=self._align_corners) for bins in self._bins
        )

    def release_size(self) -> None:
        """Pool features of any size again: the form for training."""
        self.fixed = None

    def fold(self, fuse: nn.Sequential, height: int, width: int) -> FoldedFuse:
        """Return what does `fuse(self(x))` on features of [height, width], given `pool(x)`."""
        parts = [self._inputs, *[self._channels] * len(self._bins)]
        places: list[slice] = [slice(0)] * len(parts)
        start = 0
        for index in self._concatenation():
            places[index] = slice(start, start + parts[index])
            start += parts[index]
        return FoldedFuse(
            fuse,
            places[0],
            places[1:],
            self._bins,
            (height, width),
            align_corners=self._align_corners,
        )

    def pool(self, x: Tensor) -> list[Tensor]:
        """Return the maps [N, pool channels, bins, bins] of each level."""
        if self.fixed is None:
            averages = [F.adaptive_avg_pool2d(x, bins) for bins in self._bins]
        else:
            averages = [level.pool(x) for level in self.fixed]
        return [level(average) for level, average in zip(self.levels, averages, strict=True)]

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, h, w] of features [N, inputs, h, w]."""
        pooled = self.pool(x)
        if self.fixed is None:
            size, corners = x.shape[2:], self._align_corners
            maps = [F.interpolate(p, size, mode='bilinear', align_corners=corners) for p in pooled]
        else:
            maps = [level.spread(p) for level, p in zip(self.fixed, pooled, strict=True)]
        parts = [x, *maps]
        return torch.cat([parts[index] for index in self._concatenation()], dim=1)

    def _concatenation(self) -> list[int]:
        """Return the order of the parts: 0 for the features, i for level i."""
        levels = list(range(1, len(self._bins) + 1))
        orders = {
            'features_1236': [0, *levels],
            'features_6321': [0, *reversed(levels)],
            '1236_features': [*levels, 0],
        }
        return orders[self._order]


class _FixedLevel(nn.Module):
    """Pooling and up-sampling of one level as constant matrices."""

    def __init__(self, bins: int, size: tuple[int, int], *, align_corners: bool) -> None:
        super().__init__()
        pool_h, pool_w = (pooling_matrix(length, bins) for length in size)
        up_h, up_w = (upsampling_matrix(bins, n, align_corners=align_corners) for n in size)
        for name, matrix in (
            ('pool_h', pool_h),
            ('pool_w', pool_w.T),
            ('up_h', up_h),
            ('up_w', up_w.T),
        ):
            value = torch.from_numpy(matrix).float().contiguous()
            self.register_buffer(name, value, persistent=False)

    def pool(self, x: Tensor) -> Tensor:
        y: Tensor = self.pool_h @ (x @ self.pool_w)
        return y

    def spread(self, cells: Tensor) -> Tensor:
        y: Tensor = self.up_h @ (cells @ self.up_w)
        return y


class PyramidNetwork(Network):
    """A backbone, pyramid pooling, a fuse convolution and a classifier."""

    def __init__(
        self,
        architecture: Architecture,
        classes: int,
        *,
        backbone: nn.Module,
        levels: Sequence[nn.Module],
        fuse_kernel: int,
        classifier_kernel: int,
        dropout: float,
    ) -> None:
        super().__init__(architecture, classes)
        self.backbone = backbone
        features: Backbone = backbone
        self.pyramid = PyramidPooling(architecture, levels, features.out_channels)
        width, cells = architecture.fuse_channels, architecture.cells
        self.fuse = conv_bn_relu(self.pyramid.out_channels, width, fuse_kernel)
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(
            width, classes * cells**2, classifier_kernel, padding=classifier_kernel // 2
        )
        self.shuffle = nn.PixelShuffle(cells) if cells > 1 else nn.Identity()
        self.auxiliary: nn.Sequential | None = None
        if architecture.auxiliary_channels:
            middle = architecture.auxiliary_channels
            self.auxiliary = nn.Sequential(
                conv_bn_relu(features.auxiliary_channels, middle, 3),
                nn.Dropout2d(0.1),
                nn.Conv2d(middle, classes, 1),
            )
        self.folded: FoldedFuse | None = None

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor | None]:
        """See `Network`."""
        middle, last = self.backbone(image)
        if self.folded is None:
            fused = self.fuse(self.pyramid(last))
        else:
            fused = self.folded(last, self.pyramid.pool(last))
        logits: Tensor = self.shuffle(self.classifier(self.dropout(fused)))
        if self.training:
            return logits, None if self.auxiliary is None else self.auxiliary(middle)
        return logits

    def fix_size(self, height: int, width: int, *, fold: bool) -> None:
        """See `Network`."""
        self.pyramid.fix_size(height, width)
        self.folded = self.pyramid.fold(self.fuse, height, width) if fold else None

    def release_size(self) -> None:
        """See `Network`."""
        self.pyramid.release_size()
        self.folded = None


class PSPNet(PyramidNetwork):
    """The paper's network on any of its backbones."""

    def __init__(self, architecture: Architecture, classes: int) -> None:
        backbone = _backbone(architecture)
        features: Backbone = backbone
        super().__init__(
            architecture,
            classes,
            backbone=backbone,
            levels=[
                conv_bn_relu(features.out_channels, architecture.pool_channels, 1)
                for _ in architecture.bins
            ],
            fuse_kernel=3,
            classifier_kernel=1,
            dropout=0.1,
        )


def _backbone(architecture: Architecture) -> nn.Module:
    if architecture.backbone == 'mobilenet_v2':
        return MobileNetV2()
    if architecture.backbone == 'efficientnet_lite0':
        return EfficientNetLite0(output_stride=architecture.backbone_stride, stages=5)
    return ResNet(architecture)
