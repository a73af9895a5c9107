"""PSPNet: a dilated backbone, pyramid pooling, a classifier and an auxiliary head.

Zhao, Shi, Qi, Wang, Jia: Pyramid Scene Parsing Network, CVPR 2017, arXiv:1612.01105.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.models.networks import efficientnet_lite, resnet
from seg_perception.models.networks.matrices import pooling_matrix, upsampling_matrix

BINS = (1, 2, 3, 6)
"""Cells a side of the paper's four pooling levels."""


class Backbone(Protocol):
    """What the head needs of a backbone."""

    out_channels: int
    auxiliary_channels: int

    def early_modules(self) -> Sequence[nn.Module]:
        """Return the layers up to stride 4."""

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (auxiliary features, last features) of a normalised image [N, 3, H, W]."""


@dataclass(frozen=True)
class Architecture:
    """Everything about a network that its tensors do not tell.

    With `cells` above 1 the classifier tells `cells` x `cells` labels for each place of the
    features, so that borders are finer than the backbone's stride at next to no cost: sub-pixel
    convolution (Shi et al., arXiv:1609.05158), used for labels by Tian et al. (arXiv:1903.02120).

    `mean` and `std` normalise pixel values 0 to 255 in RGB order; `load_pretrained` fills a
    backbone with ImageNet weights, where such are at hand.
    """

    name: str
    backbone: Callable[[], nn.Module]
    pool_channels: int
    fuse_channels: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    backbone_stride: int = 8
    cells: int = 1
    align_corners: bool = False
    load_pretrained: Callable[[nn.Module], None] | None = None

    @property
    def stride(self) -> int:
        """Input pixels a side for each place of the logits."""
        return self.backbone_stride // self.cells


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            name='pspnet_r18_d8',
            backbone=resnet.ResNet18,
            pool_channels=128,
            fuse_channels=128,
            mean=resnet.PIXEL_MEAN,
            std=resnet.PIXEL_STD,
        ),
        # The last two stages would cost as much as the first five and, at stride 8, bring less
        # than the pooling head does: the network ends where an embedded processor can follow.
        Architecture(
            name='pspnet_lite0_d8',
            backbone=lambda: efficientnet_lite.EfficientNetLite0(output_stride=8, stages=5),
            pool_channels=32,
            fuse_channels=128,
            mean=efficientnet_lite.PIXEL_MEAN,
            std=efficientnet_lite.PIXEL_STD,
            cells=2,
            load_pretrained=efficientnet_lite.load_imagenet,
        ),
    )
}


def architecture(name: str) -> Architecture:
    """Look up an architecture.

    :raises ValueError: when there is none of that name; the message lists the known.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f'no architecture {name!r}; known are {", ".join(ARCHITECTURES)}')
    return ARCHITECTURES[name]


class PyramidPooling(nn.Module):
    """The pyramid pooling module: features beside their averages over 1, 4, 9 and 36 regions."""

    def __init__(self, inputs: int, outputs: int, align_corners: bool) -> None:
        super().__init__()
        self.levels = nn.ModuleList(_conv_bn_relu(inputs, outputs, 1) for _ in BINS)
        self.align_corners = align_corners
        self.out_channels = inputs + outputs * len(BINS)
        self._fixed: list[tuple[Tensor, Tensor, Tensor, Tensor]] | None = None

    def fix_size(self, height: int, width: int) -> None:
        """Pool by constant matrices made for features of [height, width]: the form for export."""
        self._fixed = []
        for bins in BINS:
            matrices = [
                *(pooling_matrix(length, bins) for length in (height, width)),
                *(
                    upsampling_matrix(bins, length, align_corners=self.align_corners)
                    for length in (height, width)
                ),
            ]
            pool_h, pool_w, up_h, up_w = (torch.from_numpy(m).float() for m in matrices)
            self._fixed.append((pool_h, pool_w.T.contiguous(), up_h, up_w.T.contiguous()))

    def release_size(self) -> None:
        """Pool features of any size again: the form for training."""
        self._fixed = None

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, out_channels, h, w] of features [N, inputs, h, w]."""
        parts = [x]
        for index, level in enumerate(self.levels):
            if self._fixed is None:
                pooled = level(F.adaptive_avg_pool2d(x, BINS[index]))
                parts.append(
                    F.interpolate(
                        pooled,
                        size=x.shape[2:],
                        mode='bilinear',
                        align_corners=self.align_corners,
                    )
                )
            else:
                pool_h, pool_w, up_h, up_w = self._fixed[index]
                pooled = level(pool_h @ (x @ pool_w))
                parts.append(up_h @ (pooled @ up_w))
        return torch.cat(parts, dim=1)


class PSPNet(nn.Module):
    """The network of an `Architecture` for `classes` labels.

    In evaluation `forward` gives logits [N, classes, H / stride, W / stride] of a normalised RGB
    image [N, 3, H, W]; in training it gives them and the auxiliary head's.
    """

    def __init__(self, architecture: Architecture, classes: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.classes = classes
        self.backbone = architecture.backbone()
        features: Backbone = self.backbone
        self.pyramid = PyramidPooling(
            features.out_channels, architecture.pool_channels, architecture.align_corners
        )
        self.fuse = _conv_bn_relu(self.pyramid.out_channels, architecture.fuse_channels, 3)
        self.dropout = nn.Dropout2d(0.1)
        cells = architecture.cells
        self.classifier = nn.Conv2d(architecture.fuse_channels, classes * cells**2, 1)
        self.shuffle = nn.PixelShuffle(cells) if cells > 1 else nn.Identity()
        middle = max(features.auxiliary_channels // 4, 64)
        self.auxiliary = nn.Sequential(
            _conv_bn_relu(features.auxiliary_channels, middle, 3),
            nn.Dropout2d(0.1),
            nn.Conv2d(middle, classes, 1),
        )

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """See the class."""
        middle, last = self.backbone(image)
        logits: Tensor = self.shuffle(self.classifier(self.dropout(self.fuse(self.pyramid(last)))))
        if self.training:
            return logits, self.auxiliary(middle)
        return logits

    def early_modules(self) -> Sequence[nn.Module]:
        """Return the backbone's layers up to stride 4, which see edges and textures alone."""
        backbone: Backbone = self.backbone
        return backbone.early_modules()

    def head_parameters(self) -> Sequence[nn.Parameter]:
        """Parameters that start untrained; the recipe gives them ten times the learning rate."""
        known = {id(parameter) for parameter in self.backbone.parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in known]


def _conv_bn_relu(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
