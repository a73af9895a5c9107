"""ResNet-18, -50 and -101 as segmentation backbones.

He et al., 2015, arXiv:1512.03385, dilated as Chen et al., arXiv:1706.05587. Published PSPNets
differ in the stem, in which convolution has the stride and in how stride becomes dilation. In a
basic block the first convolution alone is dilated, in a bottleneck the 3x3. Parameter names are
those of mmsegmentation's checkpoints without their `backbone.` prefix.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.models.networks.architecture import Architecture
from seg_perception.models.networks.network import conv_bn_relu

_BLOCKS = {
    'resnet18': (2, 2, 2, 2),
    'resnet50': (3, 4, 6, 3),
    'resnet101': (3, 4, 23, 3),
}
_WIDTHS = (64, 128, 256, 512)
_STRIDES = {8: (1, 2, 1, 1), 32: (1, 2, 2, 2)}
_DILATIONS = (1, 1, 2, 4)


class _Step(NamedTuple):
    """Where a block of bottlenecks has its stride and how far its 3x3 convolution reaches."""

    stride: int
    dilation: int
    stride_in: str


class ResNet(nn.Module):
    """The stages `layer1` to `layer4` of an architecture's ResNet, without a classifier.

    :param stages: how many of them to keep. With all four, the auxiliary features are those of
        the third; with fewer they are the last.
    """

    def __init__(self, architecture: Architecture, stages: int = len(_WIDTHS)) -> None:
        super().__init__()
        if architecture.stem:
            first, second, third = architecture.stem
            self.stem: nn.Sequential | None = nn.Sequential(
                *conv_bn_relu(3, first, 3, stride=2),
                *conv_bn_relu(first, second, 3),
                *conv_bn_relu(second, third, 3),
            )
            channels = third
        else:
            self.stem = None
            self.conv1, self.bn1, _ = conv_bn_relu(3, 64, 7, stride=2)
            channels = 64
        block = _BasicBlock if architecture.backbone == 'resnet18' else _Bottleneck
        counts = _BLOCKS[architecture.backbone][:stages]
        self._stages: list[str] = []
        widths: list[int] = []
        for index, count in enumerate(counts):
            stride = _STRIDES[architecture.backbone_stride][index]
            dilation = 1 if architecture.dilation == 'none' else _DILATIONS[index]
            near = max(dilation // 2, 1) if architecture.dilation == 'contracted' else dilation
            blocks: list[nn.Module] = []
            for step in (stride, *(1,) * (count - 1)):
                place = _Step(step, dilation if blocks else near, architecture.stride_in)
                blocks.append(block(channels, _WIDTHS[index], place))
                channels = _WIDTHS[index] * block.expansion
            self._stages.append(f'layer{index + 1}')
            self.add_module(self._stages[-1], nn.Sequential(*blocks))
            widths.append(channels)
        self.out_channels = channels
        self.auxiliary_channels = widths[min(2, stages - 1)]

    def early_modules(self) -> list[nn.Module]:
        """Return the layers up to stride 4."""
        stem = [self.conv1, self.bn1] if self.stem is None else [self.stem]
        return [*stem, self.get_submodule('layer1')]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (auxiliary features, last features) of a normalised image [N, 3, H, W]."""
        x = F.relu(self.bn1(self.conv1(image))) if self.stem is None else self.stem(image)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        auxiliary = x
        for index, stage in enumerate(self._stages):
            x = self.get_submodule(stage)(x)
            if index <= 2:
                auxiliary = x
        return auxiliary, x


class _BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, width: int, step: _Step) -> None:
        super().__init__()
        reach = step.dilation
        self.conv1 = nn.Conv2d(inputs, width, 3, step.stride, reach, reach, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _downsample(inputs, width, step.stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class _Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, width: int, step: _Step) -> None:
        super().__init__()
        outputs = width * self.expansion
        before, within = (step.stride, 1) if step.stride_in == 'conv1' else (1, step.stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, before, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        reach = step.dilation
        self.conv2 = nn.Conv2d(width, width, 3, within, reach, reach, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _downsample(inputs, outputs, step.stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def _downsample(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
