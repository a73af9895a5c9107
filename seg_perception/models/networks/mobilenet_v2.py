"""MobileNetV2 as a segmentation backbone of stride 8, dilated as OpenMMLab's PSPNet has it.

Sandler et al., 2018, arXiv:1801.04381. The first block of a stage alone is dilated. Parameter
names are those of mmsegmentation's checkpoints without their `backbone.` prefix.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class _Stage(NamedTuple):
    repeats: int
    stride: int
    dilation: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 1, 1, 1, 16),
    _Stage(2, 2, 1, 6, 24),
    _Stage(3, 2, 1, 6, 32),
    _Stage(4, 1, 2, 6, 64),
    _Stage(3, 1, 2, 6, 96),
    _Stage(3, 1, 4, 6, 160),
    _Stage(1, 1, 4, 6, 320),
)
_AUXILIARY_STAGE = 4


class MobileNetV2(nn.Module):
    """The stages `layer1` to `layer7`, without the last convolution and the classifier."""

    out_channels = _STAGES[-1].channels
    auxiliary_channels = _STAGES[_AUXILIARY_STAGE].channels

    def __init__(self) -> None:
        super().__init__()
        channels = 32
        self.conv1 = _ConvBn(3, channels, 3, stride=2)
        for number, stage in enumerate(_STAGES, start=1):
            blocks: list[nn.Module] = []
            for _ in range(stage.repeats):
                blocks.append(_InvertedResidual(channels, stage, first=not blocks))
                channels = stage.channels
            self.add_module(f'layer{number}', nn.Sequential(*blocks))

    def early_modules(self) -> list[nn.Module]:
        """Return the layers up to stride 4."""
        return [self.conv1, self.get_submodule('layer1'), self.get_submodule('layer2')]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (features of layer5, features of layer7) of a normalised image [N, 3, H, W]."""
        x = auxiliary = self.conv1(image)
        for index in range(len(_STAGES)):
            x = self.get_submodule(f'layer{index + 1}')(x)
            if index == _AUXILIARY_STAGE:
                auxiliary = x
        return auxiliary, x


class _ConvBn(nn.Module):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        reach = kernel // 2 * dilation
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, reach, dilation, groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.activation = nn.ReLU6(inplace=True) if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.bn(self.conv(x)))
        return y


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, stage: _Stage, *, first: bool) -> None:
        super().__init__()
        middle = inputs * stage.expansion
        stride, dilation = (stage.stride, stage.dilation) if first else (1, 1)
        expand = [_ConvBn(inputs, middle, 1)] if stage.expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            _ConvBn(middle, middle, 3, stride=stride, dilation=dilation, groups=middle),
            _ConvBn(middle, stage.channels, 1, activate=False),
        )
        self._residual = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self._residual else y
