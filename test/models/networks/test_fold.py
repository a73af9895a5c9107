"""The folded fuse convolution: exactly what the plain one gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import conv_bn_relu
from test.models.networks.pyramids import pyramid, randomise

SMALL = architecture('pspnet_r18_d8')


@pytest.mark.parametrize('concat', ['features_1236', 'features_6321', '1236_features'])
@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(('kernel', 'size'), [(3, (12, 18)), (3, (13, 7)), (1, (9, 31))])
def test_it_is_exact(concat: str, align_corners: bool, kernel: int, size: tuple[int, int]) -> None:
    module = pyramid(8, concat=concat, align_corners=align_corners)
    fuse = conv_bn_relu(module.out_channels, 16, kernel).eval()
    randomise(fuse[1])
    x = torch.randn(2, 8, *size)
    with torch.inference_mode():
        expected = fuse(module(x))
        folded = module.fold(fuse, *size)(x, module.pool(x))
    assert float(expected.max()) > 1
    torch.testing.assert_close(folded, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('size', [(96, 144), (97, 161), (40, 56)])
@pytest.mark.parametrize('align_corners', [False, True])
def test_labels_are_those_of_the_network_as_trained(
    size: tuple[int, int], align_corners: bool
) -> None:
    network: Any = build(replace(SMALL, align_corners=align_corners), 19).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            randomise(module)
    image = torch.randn(1, 3, *size)
    features = network.architecture.feature_size(*size)
    with torch.inference_mode():
        expected: Tensor = network(image)
        network.fix_size(*features, fold=False)
        unfolded: Tensor = network(image)
        network.fix_size(*features, fold=True)
        folded: Tensor = network(image)
        network.release_size()
        assert torch.equal(network(image), expected)
    scale = float(expected.abs().max())
    for found in (unfolded, folded):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * scale)
        assert torch.equal(found.argmax(1), expected.argmax(1))


def test_it_leaves_parameters_and_their_names_alone() -> None:
    network = build(SMALL, 3).eval()
    before = list(network.state_dict())
    network.fix_size(12, 12, fold=True)
    assert list(network.state_dict()) == before
    assert 'fuse.0.weight' in before
