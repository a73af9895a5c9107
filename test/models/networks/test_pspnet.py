"""The networks: sizes, strides, dilations, what is trained, and the form for export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seg_perception.models.networks.architecture import Architecture, architecture
from seg_perception.models.networks.build import build, load_imagenet
from seg_perception.models.networks.efficientnet_lite import EfficientNetLite0
from seg_perception.models.networks.network import conv_bn_relu
from seg_perception.models.networks.pspnet import PyramidPooling

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


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


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


def pyramid(inputs: int, **changes: Any) -> PyramidPooling:
    """Return a pyramid of four channels a level with some statistics in its normalisation."""
    told = replace(SMALL, pool_channels=4, **changes)
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


class TestFolding:
    @pytest.mark.parametrize('concat', ['features_1236', 'features_6321', '1236_features'])
    @pytest.mark.parametrize('align_corners', [False, True])
    @pytest.mark.parametrize(('kernel', 'size'), [(3, (12, 18)), (3, (13, 7)), (1, (9, 31))])
    def test_it_is_exact(
        self, concat: str, align_corners: bool, kernel: int, size: tuple[int, int]
    ) -> None:
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
        self, size: tuple[int, int], align_corners: bool
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

    def test_it_leaves_parameters_and_their_names_alone(self) -> None:
        network = build(SMALL, 3).eval()
        before = list(network.state_dict())
        network.fix_size(12, 12, fold=True)
        assert list(network.state_dict()) == before
        assert 'fuse.0.weight' in before


def dilated(told: Architecture) -> dict[str, int]:
    """Return how far each dilated convolution of a network's backbone reaches, by its name."""
    with torch.device('meta'):
        network = build(told, 2)
    return {
        name: module.dilation[0]
        for name, module in network.backbone.named_modules()
        if isinstance(module, nn.Conv2d) and module.dilation != (1, 1)
    }


class TestResNet:
    def test_basic_blocks_are_dilated_in_the_first_convolution(self) -> None:
        assert dilated(SMALL) == {'layer3.1.conv1': 2, 'layer4.0.conv1': 2, 'layer4.1.conv1': 4}

    def test_contracted_and_full_dilation(self) -> None:
        rest = {f'layer3.{block}.conv2': 2 for block in range(1, 6)}
        last = {'layer4.1.conv2': 4, 'layer4.2.conv2': 4}
        contracted = {**rest, 'layer4.0.conv2': 2, **last}
        assert dilated(architecture('pspnet_r50_d8')) == contracted
        assert dilated(architecture('pspnet_r50b_d32')) == contracted
        full = {'layer3.0.conv2': 2, **rest, 'layer4.0.conv2': 4, **last}
        assert dilated(architecture('pspnet_semseg_r50')) == full
        assert dilated(architecture('smp_pspnet_r50')) == {}

    def test_the_first_convolution_may_have_the_stride(self) -> None:
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
    def test_parameters_are_those_of_the_paper(self, name: str, count: int) -> None:
        with torch.device('meta'):
            backbone = build(architecture(name), 19).backbone
        assert sum(p.numel() for p in backbone.parameters()) == count

    def test_stems(self) -> None:
        names = build(SMALL, 2).backbone.state_dict()
        assert 'stem.6.weight' in names
        assert 'conv1.weight' not in names
        plain: Any = build(architecture('pspnet_r18b_d8'), 2).backbone
        assert plain.conv1.weight.shape == (64, 3, 7, 7)


class TestMobileNetV2:
    def test_the_first_block_of_a_stage_is_dilated(self) -> None:
        assert dilated(architecture('pspnet_mv2_d8')) == {
            'layer4.0.conv.1.conv': 2,
            'layer5.0.conv.1.conv': 2,
            'layer6.0.conv.1.conv': 4,
            'layer7.0.conv.1.conv': 4,
        }

    def test_parameters_are_those_of_the_paper(self) -> None:
        backbone = build(architecture('pspnet_mv2_d8'), 2).backbone
        # 3,504,872 without the last convolution (409,600 and 2,560) and the classifier.
        assert sum(p.numel() for p in backbone.parameters()) == 3_504_872 - 412_160 - 1_281_000


class TestEfficientNetLite0:
    def test_imagenet_weights_load(self) -> None:
        network: Any = build(architecture('pspnet_lite0_d8'), 2)
        before = network.backbone._conv_stem.weight.clone()
        load_imagenet(network)
        assert not torch.equal(before, network.backbone._conv_stem.weight)

    def test_backbones_without_weights_say_so(self) -> None:
        with pytest.raises(ValueError, match='pspnet_r18_d8 has no pretrained weights to start'):
            load_imagenet(build(SMALL, 2))

    def test_dilation_keeps_what_the_strided_network_sees(self) -> None:
        """At every second place the dilated features are those of the network with strides."""
        torch.manual_seed(0)
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

    def test_wrong_arguments(self) -> None:
        with pytest.raises(ValueError, match='output_stride 8, 16 or 32 and 5 to 7 stages'):
            EfficientNetLite0(output_stride=4)
        with pytest.raises(ValueError, match='got 8 and 3'):
            EfficientNetLite0(stages=3)
