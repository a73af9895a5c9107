"""The PSPNet of segmentation_models_pytorch: the paper's idea in another, smaller network.

The ResNet ends at its second stage, where its stride is 8, undilated; pooled maps come before the
features, the one of a single cell without normalisation; the fuse convolution is 1x1 and the
classifier 3x3.
"""

from __future__ import annotations

from torch import nn

from seg_perception.models.networks.architecture import Architecture
from seg_perception.models.networks.network import conv_bn_relu
from seg_perception.models.networks.pspnet import PyramidNetwork
from seg_perception.models.networks.resnet import ResNet


class SmpPSPNet(PyramidNetwork):
    """The network of an `Architecture` of the family `smp_pspnet`."""

    def __init__(self, architecture: Architecture, classes: int) -> None:
        backbone = ResNet(architecture, stages=2)
        super().__init__(
            architecture,
            classes,
            backbone=backbone,
            levels=[
                _single_cell(backbone.out_channels, architecture.pool_channels)
                if bins == 1
                else conv_bn_relu(backbone.out_channels, architecture.pool_channels, 1)
                for bins in architecture.bins
            ],
            fuse_kernel=1,
            classifier_kernel=3,
            dropout=0.2,
        )


def _single_cell(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.ReLU(inplace=True))
