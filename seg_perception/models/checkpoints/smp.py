"""The layout of segmentation_models_pytorch's PSPNet: `encoder`, `decoder.psp`."""

from __future__ import annotations

from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.checkpoints.source import (
    Identified,
    Overrides,
    by_rules,
    fixed,
    named,
    rename,
    resnet,
    shape_of,
)
from seg_perception.models.networks.architecture import Architecture

_OURS = by_rules(
    (r'encoder\.((?:conv1|bn1|layer[12])\..+)', r'backbone.\1'),
    (r'decoder\.psp\.blocks\.(\d+)\.pool\.1\.([01])\.(.+)', r'pyramid.levels.\1.\2.\3'),
    (r'decoder\.conv\.([01])\.(.+)', r'fuse.\1.\2'),
    (r'segmentation_head\.0\.(.+)', r'classifier.\1'),
)
# The network ends at the encoder's second stage; its files hold the others all the same.
_LEFT_OUT = (r'encoder\.layer[34]\..+', r'encoder\.fc\..+', r'classification_head\..+')

_FIRST_LEVEL = 'decoder.psp.blocks.0.pool.1.0.weight'
_FEATURES = {'resnet18': 128, 'resnet50': 512, 'resnet101': 512}


def matches(checkpoint: Checkpoint) -> bool:
    """Tell by its names whether a checkpoint has this layout."""
    return any(name.startswith('decoder.psp.blocks.') for name in checkpoint.tensors)


def identify(checkpoint: Checkpoint, overrides: Overrides) -> Identified:
    """Tell what a checkpoint is; all that its tensors do not tell is the same for all of them.

    :raises CheckpointError: when an option contradicts that, or a tensor is unknown.
    """
    backbone = resnet(checkpoint, r'encoder\.layer3\.(\d+)\.', 'encoder.layer3.0.conv3.weight')
    fixed(checkpoint, overrides, align_corners=True, output_stride=8, dilation='none')
    features = shape_of(checkpoint, _FIRST_LEVEL)[1]
    if features != _FEATURES[backbone]:
        raise CheckpointError(
            f'{checkpoint.path}: expected encoder_depth 3, whose features have '
            f'{_FEATURES[backbone]} channels, got {features}'
        )
    names, left_out = rename(checkpoint, _OURS, _LEFT_OUT)
    return Identified(
        source='segmentation_models_pytorch',
        architecture=named(
            Architecture(
                name=f'smp_pspnet_{backbone}',
                family='smp_pspnet',
                backbone=backbone,
                stem=(),
                dilation='none',
                backbone_stride=8,
                pool_channels=shape_of(checkpoint, _FIRST_LEVEL)[0],
                fuse_channels=shape_of(checkpoint, 'decoder.conv.0.weight')[0],
                align_corners=True,
                concat='1236_features',
            )
        ),
        classes=shape_of(checkpoint, 'segmentation_head.0.weight')[0],
        names=names,
        left_out=left_out,
    )
