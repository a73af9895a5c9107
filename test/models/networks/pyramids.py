"""Small pyramids with statistics in them, and what a network's convolutions reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from seg_perception.models.networks.architecture import Architecture, architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import conv_bn_relu
from seg_perception.models.networks.pspnet import PyramidPooling


def pyramid(inputs: int, **changes: Any) -> PyramidPooling:
    """Return a pyramid of four channels a level with some statistics in its normalisation."""
    told = replace(architecture('pspnet_r18_d8'), pool_channels=4, **changes)
    levels = [conv_bn_relu(inputs, 4, 1) for _ in told.bins]
    for level in levels:
        randomise(level[1])
    module = PyramidPooling(told, levels, inputs)
    module.eval()
    return module


def randomise(norm: Any) -> None:
    for value in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(value)
    nn.init.uniform_(norm.running_var, 0.5, 2.0)


def dilated(told: Architecture) -> dict[str, int]:
    """Return how far each dilated convolution of a network's backbone reaches, by its name."""
    with torch.device('meta'):
        network = build(told, 2)
    return {
        name: module.dilation[0]
        for name, module in network.backbone.named_modules()
        if isinstance(module, nn.Conv2d) and module.dilation != (1, 1)
    }
