"""MobileNetV2: where it is dilated, and that its parameters are the published."""

from __future__ import annotations

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from test.models.networks.pyramids import dilated


def test_the_first_block_of_a_stage_is_dilated() -> None:
    assert dilated(architecture('pspnet_mv2_d8')) == {
        'layer4.0.conv.1.conv': 2,
        'layer5.0.conv.1.conv': 2,
        'layer6.0.conv.1.conv': 4,
        'layer7.0.conv.1.conv': 4,
    }


def test_parameters_are_those_of_the_paper() -> None:
    backbone = build(architecture('pspnet_mv2_d8'), 2).backbone
    # 3,504,872 without the last convolution (409,600 and 2,560) and the classifier.
    assert sum(p.numel() for p in backbone.parameters()) == 3_504_872 - 412_160 - 1_281_000
