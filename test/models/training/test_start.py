"""What a network starts from, and files of weights that do not fit it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seg_perception.models.checkpoints.read import CheckpointError
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build as build_network
from seg_perception.models.training.recipe import Recipe
from seg_perception.models.training.start import build


def recipe_of(name: str, backbone: Path) -> Recipe:
    return Recipe(name, ('a',), (1.0,), backbone=str(backbone))


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_a_classifiers_weights_fill_the_backbone(tmp_path: Path, prefix: str) -> None:
    torch.manual_seed(5)
    donor = build_network(architecture('pspnet_r18_d8'), 3).backbone.state_dict()
    path = tmp_path / 'resnet18_v1c.pth'
    tensors = {f'{prefix}{k}': v for k, v in donor.items() if 'num_batches' not in k}
    torch.save({'state_dict': {**tensors, 'fc.weight': torch.zeros(9, 512)}}, path)
    network = build(recipe_of('pspnet_r18_d8', path), 19)
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, donor[name]), name


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'layer4.1.bn2.bias': None}, r'missing: layer4\.1\.bn2\.bias'),
        ({'layer1.2.conv1.weight': torch.zeros(64, 64, 3, 3)}, r'surplus: layer1\.2\.conv1'),
        (
            {'layer1.0.conv1.weight': torch.zeros(64, 64, 1, 1)},
            r'of another shape: layer1\.0\.conv',
        ),
    ],
)
def test_weights_of_another_backbone(
    tmp_path: Path, change: dict[str, torch.Tensor | None], reason: str
) -> None:
    donor = build_network(architecture('pspnet_r18_d8'), 3).backbone.state_dict()
    path = tmp_path / 'other.pth'
    torch.save({k: v for k, v in {**donor, **change}.items() if v is not None}, path)
    with pytest.raises(CheckpointError, match=f'other.pth does not fit ResNet; {reason}'):
        build(recipe_of('pspnet_r18_d8', path), 19)


def test_no_pretrained_weights_says_so() -> None:
    with pytest.raises(ValueError, match=r'pspnet_r18_d8 has no pretrained .*--from-scratch'):
        build(Recipe('pspnet_r18_d8', ('a',), (1.0,)), 19)
