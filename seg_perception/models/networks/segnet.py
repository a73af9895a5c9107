"""SegNet: an encoder, and a decoder that un-pools to where the encoder's maxima stood.

Badrinarayanan, Kendall, Cipolla: SegNet: A Deep Convolutional Encoder-Decoder Architecture for
Image Segmentation, PAMI 2017, arXiv:1511.00561.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.models.networks.architecture import Architecture
from seg_perception.models.networks.network import Network, conv_bn_relu
from seg_perception.models.networks.unpooling import pool, unpool

ENCODERS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    'vgg16': ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    'vgg16_quarter': ((16,) * 2, (32,) * 2, (64,) * 3, (128,) * 3, (128,) * 3),
}
"""Widths of the convolutions of each level: VGG-16's (the paper's), and a quarter of them."""


class SegNet(Network):
    """The network of an `Architecture` of family `segnet`; it has no auxiliary head.

    Logits are at stride 1, of images of any size: where a side does not halve evenly, the last
    window of a pooling is cut off at the border, and un-pooling gives back the size that was.
    """

    def __init__(self, architecture: Architecture, classes: int) -> None:
        super().__init__(architecture, classes)
        levels = ENCODERS[architecture.backbone]
        above = [0, *(widths[-1] for widths in levels)]
        self.backbone = nn.ModuleList(
            _convolutions(channels or 3, widths)
            for channels, widths in zip(above, levels, strict=False)
        )
        # The encoder mirrored: the topmost level ends at its own width, for the classifier.
        self.decoder = nn.ModuleList(
            _convolutions(widths[-1], [*widths[-2::-1], *([channels] if channels else [])])
            for channels, widths in zip(above, levels, strict=False)
        )
        self.classifier = nn.Conv2d(architecture.fuse_channels, classes, 3, padding=1)
        self._fixed: list[tuple[int, int]] | None = None
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')

    def fix_size(self, height: int, width: int, *, fold: bool) -> None:  # noqa: ARG002
        """See `Network`; un-pooling becomes plain operators, and there is nothing to fold."""
        self._fixed = []
        for _ in self.decoder:
            self._fixed.append((height, width))
            height, width = -(-height // 2), -(-width // 2)

    def release_size(self) -> None:
        """See `Network`."""
        self._fixed = None

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, None]:
        """See `Network`."""
        x = image
        pooled: list[tuple[Tensor, tuple[int, int]]] = []
        levels: nn.ModuleList = self.backbone
        for number, level in enumerate(levels):
            x = level(x)
            if self._fixed is None:
                size = (x.shape[2], x.shape[3])
                x, winner = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            else:
                size = self._fixed[number]
                x, winner = pool(x, *size)
            pooled.append((winner, size))
        for level, (winner, size) in zip(reversed(self.decoder), reversed(pooled), strict=True):
            if self._fixed is None:
                x = F.max_unpool2d(x, winner, 2, output_size=size)
            else:
                x = unpool(x, winner, *size)
            x = level(x)
        logits: Tensor = self.classifier(x)
        return (logits, None) if self.training else logits

    def early_modules(self) -> Sequence[nn.Module]:
        """See `Network`."""
        levels: nn.ModuleList = self.backbone
        return list(levels[:2])


def _convolutions(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    channels = [inputs, *widths]
    return nn.Sequential(*(conv_bn_relu(a, b, 3) for a, b in pairwise(channels)))
