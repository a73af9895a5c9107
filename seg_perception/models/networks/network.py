"""What every network of this package is, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

from seg_perception.models.networks.architecture import Architecture


class Backbone(Protocol):
    """What a head needs of a backbone."""

    out_channels: int
    auxiliary_channels: int

    def early_modules(self) -> Sequence[nn.Module]:
        """Return the layers up to stride 4, which see edges and textures alone."""

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (auxiliary features, last features) of a normalised image [N, 3, H, W]."""


class Network(nn.Module, ABC):
    """The network of an `Architecture` for `classes` labels; `backbone` is set by its family.

    In evaluation `forward` gives logits [N, classes, H / stride, W / stride], sides rounded up,
    of a normalised RGB image [N, 3, H, W]. In training it gives (logits, auxiliary logits), the
    latter None where the architecture has no auxiliary head.
    """

    backbone: nn.Module

    def __init__(self, architecture: Architecture, classes: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.classes = classes

    @abstractmethod
    def fix_size(self, height: int, width: int, *, fold: bool) -> None:
        """Take the form for export: constants made for features of [height, width].

        :param fold: also replace parts by equal ones of less work. It holds the weights of now:
            call it after loading them.
        """

    @abstractmethod
    def release_size(self) -> None:
        """Take images of any size again: the form for training."""

    def early_modules(self) -> Sequence[nn.Module]:
        """Return the backbone's layers up to stride 4, which see edges and textures alone."""
        backbone: Backbone = self.backbone
        return backbone.early_modules()

    def head_parameters(self) -> Sequence[nn.Parameter]:
        """Parameters that start untrained; the recipe gives them ten times the learning rate."""
        known = {id(parameter) for parameter in self.backbone.parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in known]


def conv_bn_relu(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return convolution, batch normalisation and ReLU; sides are kept but for the stride."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
