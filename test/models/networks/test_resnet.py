"""ResNets: where they are dilated and strided, and that their parameters are the published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from test.models.networks.pyramids import dilated

SMALL = architecture('pspnet_r18_d8')


def test_basic_blocks_are_dilated_in_the_first_convolution() -> None:
    assert dilated(SMALL) == {'layer3.1.conv1': 2, 'layer4.0.conv1': 2, 'layer4.1.conv1': 4}


def test_contracted_and_full_dilation() -> None:
    rest = {f'layer3.{block}.conv2': 2 for block in range(1, 6)}
    last = {'layer4.1.conv2': 4, 'layer4.2.conv2': 4}
    contracted = {**rest, 'layer4.0.conv2': 2, **last}
    assert dilated(architecture('pspnet_r50_d8')) == contracted
    assert dilated(architecture('pspnet_r50b_d32')) == contracted
    full = {'layer3.0.conv2': 2, **rest, 'layer4.0.conv2': 4, **last}
    assert dilated(architecture('pspnet_semseg_r50')) == full
    assert dilated(architecture('smp_pspnet_r50')) == {}


def test_the_first_convolution_may_have_the_stride() -> None:
    strided = {
        told.stride_in: [
            name
            for name, module in build(told, 2).backbone.named_modules()
            if isinstance(module, nn.Conv2d) and module.stride == (2, 2) and 'layer' in name
        ]
        for told in (
            architecture('pspnet_semseg_r50'),
            replace(architecture('pspnet_semseg_r50'), stride_in='conv1'),
        )
    }
    assert strided == {
        'conv1': ['layer2.0.conv1', 'layer2.0.downsample.0'],
        'conv2': ['layer2.0.conv2', 'layer2.0.downsample.0'],
    }


@pytest.mark.parametrize(
    ('name', 'count'),
    [
        # The networks of He et al. without their classifiers, by torchvision's counts.
        ('pspnet_r18b_d8', 11_689_512 - 513_000),
        ('pspnet_r50b_d8', 25_557_032 - 2_049_000),
        ('pspnet_r101b_d8', 44_549_160 - 2_049_000),
        # 9,408 of the 7x7 stem and its 128 replaced by three 3x3 convolutions and their norms.
        ('pspnet_r18_d8', 11_689_512 - 513_000 - 9_536 + 28_512 + 256),
    ],
)
def test_parameters_are_those_of_the_paper(name: str, count: int) -> None:
    with torch.device('meta'):
        backbone = build(architecture(name), 19).backbone
    assert sum(p.numel() for p in backbone.parameters()) == count


def test_stems() -> None:
    names = build(SMALL, 2).backbone.state_dict()
    assert 'stem.6.weight' in names
    assert 'conv1.weight' not in names
    plain: Any = build(architecture('pspnet_r18b_d8'), 2).backbone
    assert plain.conv1.weight.shape == (64, 3, 7, 7)
