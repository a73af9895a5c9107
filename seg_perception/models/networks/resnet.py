"""ResNet-18 dilated to stride 8, with the deep stem and dilation rule of OpenMMLab's PSPNet.

He et al., 2015, arXiv:1512.03385. The stem is three 3x3 convolutions (the "v1c" variant). In
stages 3 and 4 stride becomes dilation: the first block keeps half of it ("contracted"), and in a
basic block only the first convolution is dilated. Parameter names are those of mmsegmentation's
checkpoints without their `backbone.` prefix.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
"""Input normalisation of ImageNet ResNets, for pixel values 0 to 255 in RGB order."""

_WIDTHS = (64, 128, 256, 512)
_STRIDES = (1, 2, 1, 1)
_DILATIONS = (1, 1, 2, 4)


class ResNet18(nn.Module):
    """The backbone: stages `layer1` to `layer4` of two basic blocks each, stride 8."""

    out_channels = 512
    auxiliary_channels = 256

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *_conv_bn_relu(3, 32, stride=2), *_conv_bn_relu(32, 32), *_conv_bn_relu(32, 64)
        )
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = 64
        for number, (width, stride, dilation) in enumerate(
            zip(_WIDTHS, _STRIDES, _DILATIONS, strict=True), start=1
        ):
            first = _BasicBlock(channels, width, stride, max(dilation // 2, 1))
            self.add_module(
                f'layer{number}', nn.Sequential(first, _BasicBlock(width, width, 1, dilation))
            )
            channels = width

    def early_modules(self) -> list[nn.Module]:
        """Return the layers up to stride 4."""
        return [self.stem, self.get_submodule('layer1')]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (features of layer3, features of layer4) of a normalised image [N, 3, H, W]."""
        x = self.maxpool(self.stem(image))
        x = self.get_submodule('layer2')(self.get_submodule('layer1')(x))
        middle: Tensor = self.get_submodule('layer3')(x)
        return middle, self.get_submodule('layer4')(middle)


class _BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def _conv_bn_relu(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
