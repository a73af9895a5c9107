"""What a network starts from: random numbers, ImageNet weights at hand, or a file of weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from seg_perception.models.checkpoints.read import CheckpointError, listed, read_checkpoint
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build as build_network
from seg_perception.models.networks.build import load_imagenet
from seg_perception.models.networks.network import Network
from seg_perception.models.training.recipe import Recipe


def build(recipe: Recipe, classes: int) -> Network:
    """Make the network of a recipe, with a pretrained backbone where it asks for one.

    :raises ValueError: when the architecture is unknown or has no pretrained weights.
    :raises CheckpointError: when the recipe's file of weights does not fit the backbone.
    """
    network = build_network(architecture(recipe.architecture), classes)
    if recipe.backbone:
        fill_backbone(network.backbone, Path(recipe.backbone))
    elif recipe.pretrained:
        load_imagenet(network)
    network.to(memory_format=torch.channels_last)
    return network


def fill_backbone(backbone: nn.Module, path: Path) -> None:
    """Fill a backbone from a file of a classifier or of a segmentation network.

    Names are those of the backbone, with or without `backbone.` before them. Heads are left out.

    :raises CheckpointError: when a tensor is missing, of another shape, or of a deeper backbone.
    :raises OSError: when the file cannot be read.
    """
    tensors = {
        name.removeprefix('backbone.'): value
        for name, value in read_checkpoint(path).tensors.items()
    }
    own = backbone.state_dict()
    parts = {name for name, _ in backbone.named_children()}
    # How many batches were seen is in no old file, and matters to nothing here.
    missing = [n for n in own if n not in tensors and not n.endswith('num_batches_tracked')]
    surplus = [n for n in tensors if n not in own and n.partition('.')[0] in parts]
    wrong = [n for n in own if n in tensors and tensors[n].shape != own[n].shape]
    for kind, names in (('missing', missing), ('surplus', surplus), ('of another shape', wrong)):
        if names:
            raise CheckpointError(
                f'--backbone: {path} does not fit {type(backbone).__name__}; '
                f'{kind}: {listed(names)}'
            )
    backbone.load_state_dict({name: tensors.get(name, value) for name, value in own.items()})
