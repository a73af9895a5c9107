"""The networks: sizes, strides, what is trained, and pooling by matrices."""

from __future__ import annotations

import pytest
import torch

from seg_perception.models.networks.efficientnet_lite import EfficientNetLite0, load_imagenet
from seg_perception.models.networks.pspnet import (
    ARCHITECTURES,
    PSPNet,
    PyramidPooling,
    architecture,
)
from seg_perception.models.networks.resnet import ResNet18


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_logits_are_at_the_stride_told(name: str) -> None:
    network = PSPNet(architecture(name), 19)
    image = torch.rand(2, 3, 64, 104)
    logits, auxiliary = network(image)
    stride = network.architecture.stride
    assert stride == {'pspnet_r18_d8': 8, 'pspnet_lite0_d8': 4}[name]
    assert logits.shape == (2, 19, 64 // stride, 104 // stride)
    assert auxiliary.shape == (2, 19, 8, 13)
    assert network.eval()(image).shape == logits.shape


def test_cells_are_laid_out_as_the_image_is() -> None:
    """A classifier that tells the four cells of a place apart puts each where it lies."""
    network = PSPNet(architecture('pspnet_lite0_d8'), 3).eval()
    with torch.inference_mode():
        network.classifier.weight.zero_()
        network.classifier.bias.copy_(torch.arange(12))
        logits = network(torch.rand(1, 3, 48, 48))
    assert logits[0, 1, :2, :2].tolist() == [[4, 5], [6, 7]]
    assert logits[0, 2, 6:8, 4:6].tolist() == [[8, 9], [10, 11]]


def test_an_unknown_architecture_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r'no architecture .unet.; known are pspnet_r18_d8, psp'):
        architecture('unet')


def test_head_and_early_layers_are_told_apart() -> None:
    network = PSPNet(architecture('pspnet_lite0_d8'), 19)
    head = {id(p) for p in network.head_parameters()}
    named = {name for name, p in network.named_parameters() if id(p) in head}
    assert {name.partition('.')[0] for name in named} == {
        'pyramid', 'fuse', 'classifier', 'auxiliary',
    }  # fmt: skip
    early = [id(p) for module in network.early_modules() for p in module.parameters()]
    names = [name for name, p in network.named_parameters() if id(p) in early]
    assert names[0] == 'backbone._conv_stem.weight'
    assert names[-1].startswith('backbone._blocks.2.')


@pytest.mark.parametrize('align_corners', [False, True])
def test_pooling_by_matrices_is_pooling(align_corners: bool) -> None:
    module = PyramidPooling(8, 4, align_corners).eval()
    x = torch.rand(2, 8, 17, 31)
    with torch.inference_mode():
        adaptive = module(x)
        module.fix_size(17, 31)
        by_matrices = module(x)
        module.release_size()
        again = module(x)
    torch.testing.assert_close(by_matrices, adaptive, rtol=0, atol=2e-6)
    assert torch.equal(adaptive, again)
    assert torch.equal(adaptive[:, :8], x)


def test_pooling_levels_see_the_whole_frame() -> None:
    """One bright corner reaches every place through the 1-bin level and no other corner at 6."""
    module = PyramidPooling(1, 1, align_corners=False).eval()
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


class TestResNet18:
    def test_dilation_is_contracted_and_in_the_first_convolution(self) -> None:
        network = ResNet18()
        found = {
            name: tuple(module.dilation)
            for name, module in network.named_modules()
            if isinstance(module, torch.nn.Conv2d) and module.dilation != (1, 1)
        }
        assert found == {
            'layer3.1.conv1': (2, 2),
            'layer4.0.conv1': (2, 2),
            'layer4.1.conv1': (4, 4),
        }

    def test_parameters_are_those_of_a_resnet_18(self) -> None:
        network = ResNet18()
        # 11.18 M of the network without its classifier, 9408 of its 7x7 stem and that layer's 128
        # replaced by three 3x3 convolutions (28,512) and their 256.
        assert sum(p.numel() for p in network.parameters()) == 11_176_512 - 9_536 + 28_768
        assert 'stem.6.weight' in network.state_dict()


class TestEfficientNetLite0:
    def test_imagenet_weights_load(self) -> None:
        network = EfficientNetLite0(output_stride=8, stages=5)
        before = network._conv_stem.weight.clone()
        load_imagenet(network)
        assert not torch.equal(before, network._conv_stem.weight)

    def test_dilation_keeps_what_the_strided_network_sees(self) -> None:
        """At every second place the dilated features are those of the network with strides."""
        strided, dilated = EfficientNetLite0(32, 7), EfficientNetLite0(16, 7)
        for network in (strided, dilated):
            load_imagenet(network)
            network.double().eval()
        image = torch.rand(1, 3, 256, 256, dtype=torch.float64)
        with torch.inference_mode():
            small, large = strided(image)[1], dilated(image)[1]
        assert small.shape[2:] == (8, 8)
        # TensorFlow's padding centres a strided window on the second of its two places.
        torch.testing.assert_close(large[..., 1::2, 1::2], small, rtol=0, atol=1e-10)

    def test_wrong_arguments(self) -> None:
        with pytest.raises(ValueError, match='output_stride 8, 16 or 32 and 5 to 7 stages'):
            EfficientNetLite0(output_stride=4)
        with pytest.raises(ValueError, match='got 8 and 3'):
            EfficientNetLite0(stages=3)
