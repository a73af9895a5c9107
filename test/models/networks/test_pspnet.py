"""The networks: sizes, strides, what is trained, and pooling by matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import conv_bn_relu
from seg_perception.models.networks.pspnet import PyramidPooling
from test.models.networks.pyramids import pyramid

BUILT = [
    'pspnet_r18_d8',
    'pspnet_r18b_d8_769',
    'pspnet_r50_d32',
    'pspnet_semseg_r50',
    'pspnet_mv2_d8',
    'pspnet_lite0_d8',
    'smp_pspnet_r18',
]
SMALL = architecture('pspnet_r18_d8')


@pytest.mark.parametrize('name', BUILT)
def test_logits_are_at_the_stride_told(name: str) -> None:
    network = build(architecture(name), 5)
    image = torch.rand(2, 3, 64, 96)
    logits, auxiliary = network(image)
    told = network.architecture
    assert told.stride == {'pspnet_lite0_d8': 4}.get(name, told.backbone_stride)
    assert logits.shape == (2, 5, 64 // told.stride, 96 // told.stride)
    if told.family == 'smp_pspnet':
        assert auxiliary is None
    else:
        places = 16 if told.backbone_stride == 32 else 8
        assert auxiliary.shape == (2, 5, 64 // places, 96 // places)
    assert network.eval()(image).shape == logits.shape


@pytest.mark.parametrize('name', ['pspnet_r18_d8', 'pspnet_r50_d32', 'pspnet_mv2_d8'])
def test_sides_off_the_stride_are_rounded_up(name: str) -> None:
    network = build(architecture(name), 3).eval()
    size = network.architecture.feature_size(97, 161)
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 97, 161)).shape[2:] == size
    assert size == {8: (13, 21), 32: (4, 6)}[network.architecture.stride]


@pytest.mark.parametrize('name', ['smp_pspnet_r18', 'pspnet_lite0_d8'])
def test_networks_of_whole_strides_refuse_other_sizes(name: str) -> None:
    with pytest.raises(ValueError, match='multiple of 8, got 161x96'):
        architecture(name).feature_size(96, 161)


def test_no_class_is_no_network() -> None:
    with pytest.raises(ValueError, match='at least one class, got 0'):
        build(SMALL, 0)


def test_cells_are_laid_out_as_the_image_is() -> None:
    """A classifier that tells the four cells of a place apart puts each where it lies."""
    network: Any = build(architecture('pspnet_lite0_d8'), 3).eval()
    with torch.inference_mode():
        network.classifier.weight.zero_()
        network.classifier.bias.copy_(torch.arange(12))
        logits = network(torch.rand(1, 3, 48, 48))
    assert logits[0, 1, :2, :2].tolist() == [[4, 5], [6, 7]]
    assert logits[0, 2, 6:8, 4:6].tolist() == [[8, 9], [10, 11]]


@pytest.mark.parametrize(
    ('name', 'first', 'last'),
    [
        ('pspnet_lite0_d8', 'backbone._conv_stem.weight', 'backbone._blocks.2.'),
        ('pspnet_r18_d8', 'backbone.stem.0.weight', 'backbone.layer1.1.'),
        ('pspnet_r50b_d8', 'backbone.conv1.weight', 'backbone.layer1.2.'),
        ('pspnet_mv2_d8', 'backbone.conv1.conv.weight', 'backbone.layer2.1.'),
    ],
)
def test_head_and_early_layers_are_told_apart(name: str, first: str, last: str) -> None:
    network = build(architecture(name), 19)
    head = {id(p) for p in network.head_parameters()}
    named = {name for name, p in network.named_parameters() if id(p) in head}
    assert {name.partition('.')[0] for name in named} == {
        'pyramid', 'fuse', 'classifier', 'auxiliary',
    }  # fmt: skip
    early = [id(p) for module in network.early_modules() for p in module.parameters()]
    names = [name for name, p in network.named_parameters() if id(p) in early]
    assert names[0] == first
    assert names[-1].startswith(last)


@pytest.mark.parametrize('align_corners', [False, True])
def test_pooling_by_matrices_is_pooling(align_corners: bool) -> None:
    module = pyramid(8, align_corners=align_corners)
    x = torch.rand(2, 8, 17, 31)
    with torch.inference_mode():
        adaptive = module(x)
        module.fix_size(17, 31)
        by_matrices = module(x)
        module.release_size()
        again = module(x)
    torch.testing.assert_close(by_matrices, adaptive, rtol=0, atol=5e-6)
    assert torch.equal(adaptive, again)
    assert torch.equal(adaptive[:, :8], x)


@pytest.mark.parametrize(
    ('concat', 'order'),
    [
        ('features_1236', (0, 1, 2, 3, 4)),
        ('features_6321', (0, 4, 3, 2, 1)),
        ('1236_features', (1, 2, 3, 4, 0)),
    ],
)
def test_parts_come_in_the_order_told(concat: str, order: Sequence[int]) -> None:
    module, plain = pyramid(4, concat=concat), pyramid(4)
    plain.load_state_dict(module.state_dict())
    x = torch.rand(1, 4, 9, 9)
    with torch.inference_mode():
        parts = plain(x).chunk(5, dim=1)
        assert torch.equal(module(x), torch.cat([parts[index] for index in order], dim=1))


def test_pooling_levels_see_the_whole_frame() -> None:
    """One bright corner reaches every place through the 1-bin level and no other corner at 6."""
    module: Any = PyramidPooling(
        replace(SMALL, pool_channels=1), [conv_bn_relu(1, 1, 1) for _ in range(4)], 1
    ).eval()
    for level in module.levels:
        level[0].weight.data.fill_(1.0)
    x = torch.zeros(1, 1, 12, 12)
    x[..., 0, 0] = 144.0
    with torch.inference_mode():
        channels = module(x)[0]
    scale = 1 / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(channels[1], torch.full((12, 12), scale))
    assert channels[4, 0, 0] == pytest.approx(36 * scale, rel=1e-5)
    assert channels[4, 11, 11] == 0
