"""SegNet: the paper's size, its un-pooling, and the contract file at sides that do not halve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from seg_perception.models.export.contract_file import MIN_AGREEMENT, agreement, export
from seg_perception.models.networks import segnet
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network
from seg_perception.models.networks.unpooling import unpool
from test.tiny_model import tiny_contract


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    network = build(architecture('segnet_small'), 19)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.bias, std=0.3)
    return network


def test_the_papers_network_has_its_size() -> None:
    """Thirteen convolutions of VGG-16 (14,710,464 weights), as many back, a normalisation each."""
    network = build(architecture('segnet_vgg16'), 11)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 26
    assert sum(m.weight.numel() for m in convolutions[:13]) == 14_710_464
    ways = [
        [(m.in_channels, m.out_channels) for block in level for m in block if hasattr(m, 'stride')]
        for level in network.decoder
    ]
    assert ways == [
        [(64, 64)],
        [(128, 128), (128, 64)],
        [(256, 256), (256, 256), (256, 128)],
        [(512, 512), (512, 512), (512, 256)],
        [(512, 512), (512, 512), (512, 512)],
    ]


@pytest.mark.parametrize('size', [(64, 96), (45, 77), (33, 32)])
def test_any_size_in_either_form(network: Network, size: tuple[int, int]) -> None:
    network.eval()
    image = torch.randn(2, 3, *size)
    with torch.inference_mode():
        trained = network(image)
        network.fix_size(*size, fold=True)
        exported = network(image)
        network.release_size()
        again = network(image)
    assert trained.shape == (2, 19, *size)
    assert torch.equal(exported, trained)
    assert torch.equal(again, trained)


def test_there_is_no_auxiliary_head(network: Network) -> None:
    logits, auxiliary = network.train()(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 19, 32, 32)
    assert auxiliary is None


def test_head_and_early_layers(network: Network) -> None:
    head = {id(p) for p in network.head_parameters()}
    named = {name.partition('.')[0] for name, p in network.named_parameters() if id(p) in head}
    assert named == {'decoder', 'classifier'}
    early = [m for level in network.early_modules() for m in level.modules()]
    assert [m.out_channels for m in early if isinstance(m, torch.nn.Conv2d)] == [16, 16, 32, 32]


@pytest.mark.parametrize('size', [(96, 64), (102, 75)])
def test_torch_and_file_label_alike(
    network: Network, size: tuple[int, int], tmp_path: Path
) -> None:
    width, height = size
    path = tmp_path / 'segnet.onnx'
    export(network, tiny_contract(width=width, height=height, stride=1), path)
    pictures = np.random.default_rng(0).integers(0, 255, (4, height, width, 3), np.uint8)
    assert agreement(network, path, pictures) >= MIN_AGREEMENT
    operators = {node.op_type for node in onnx.load(str(path)).graph.node}
    assert not {'MaxUnpool', 'ScatterND', 'ScatterElements', 'Shape', 'Loop', 'If'} & operators


def test_wrong_winners_show(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above can fail: un-pooled to first corners alone, other labels come out."""
    network.eval()
    image = torch.randn(1, 3, 64, 64)
    network.fix_size(64, 64, fold=True)
    with torch.inference_mode():
        right = network(image).argmax(1)
        monkeypatch.setattr(segnet, 'unpool', lambda x, w, *size: unpool(x, 0 * w, *size))
        wrong = network(image).argmax(1)
    assert (right != wrong).float().mean() > 0.05
