"""EfficientNet-Lite0: ImageNet weights, dilation, wrong arguments."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build, load_imagenet
from seg_perception.models.networks.efficientnet_lite import EfficientNetLite0


def test_imagenet_weights_load() -> None:
    network: Any = build(architecture('pspnet_lite0_d8'), 2)
    before = network.backbone._conv_stem.weight.clone()
    load_imagenet(network)
    assert not torch.equal(before, network.backbone._conv_stem.weight)


def test_backbones_without_weights_say_so() -> None:
    with pytest.raises(ValueError, match='pspnet_r18_d8 has no pretrained weights to start'):
        load_imagenet(build(architecture('pspnet_r18_d8'), 2))


def test_dilation_keeps_what_the_strided_network_sees() -> None:
    """At every second place the dilated features are those of the network with strides."""
    strided, dilated = EfficientNetLite0(32, 7), EfficientNetLite0(16, 7)
    dilated.load_state_dict(strided.state_dict())
    for network in (strided, dilated):
        network.double().eval()
    image = torch.rand(1, 3, 256, 256, dtype=torch.float64)
    with torch.inference_mode():
        small, large = strided(image)[1], dilated(image)[1]
    assert small.shape[2:] == (8, 8)
    assert float(small.std()) > 0
    # TensorFlow's padding centres a strided window on the second of its two places.
    torch.testing.assert_close(large[..., 1::2, 1::2], small, rtol=1e-9, atol=0)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match='output_stride 8, 16 or 32 and 5 to 7 stages'):
        EfficientNetLite0(output_stride=4)
    with pytest.raises(ValueError, match='got 8 and 3'):
        EfficientNetLite0(stages=3)
