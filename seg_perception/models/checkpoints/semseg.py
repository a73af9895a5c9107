"""The layout of hszhao/semseg, the PyTorch project of PSPNet's first author: `layer0`, `ppm`."""

from __future__ import annotations

from seg_perception.models.checkpoints.read import Checkpoint
from seg_perception.models.checkpoints.source import (
    CITYSCAPES_TERMS,
    Credit,
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
    (r'layer0\.(.+)', r'backbone.stem.\1'),
    (r'(layer[1-4]\..+)', r'backbone.\1'),
    (r'ppm\.features\.(\d+)\.1\.(.+)', r'pyramid.levels.\1.0.\2'),
    (r'ppm\.features\.(\d+)\.2\.(.+)', r'pyramid.levels.\1.1.\2'),
    (r'cls\.([01])\.(.+)', r'fuse.\1.\2'),
    (r'cls\.4\.(.+)', r'classifier.\1'),
    (r'aux\.([01])\.(.+)', r'auxiliary.0.\1.\2'),
    (r'aux\.4\.(.+)', r'auxiliary.2.\1'),
)


def matches(checkpoint: Checkpoint) -> bool:
    """Tell by its names whether a checkpoint has this layout."""
    return any(name.startswith('ppm.features.') for name in checkpoint.tensors)


def identify(checkpoint: Checkpoint, overrides: Overrides) -> Identified:
    """Tell what a checkpoint is; all that its tensors do not tell is the same for all of them.

    :raises CheckpointError: when an option contradicts that, or a tensor is unknown.
    """
    backbone = resnet(checkpoint, r'layer3\.(\d+)\.', 'layer3.0.conv3.weight')
    fixed(checkpoint, overrides, align_corners=True, output_stride=8, dilation='full')
    names, left_out = rename(checkpoint, _OURS)
    auxiliary = 'aux.4.weight'
    classes = shape_of(checkpoint, 'cls.4.weight')[0]
    return Identified(
        source='hszhao/semseg',
        architecture=named(
            Architecture(
                name=f'pspnet_semseg_{backbone}',
                family='pspnet',
                backbone=backbone,
                stem=tuple(shape_of(checkpoint, f'layer0.{i}.weight')[0] for i in (0, 3, 6)),
                dilation='full',
                backbone_stride=8,
                pool_channels=shape_of(checkpoint, 'ppm.features.0.1.weight')[0],
                fuse_channels=shape_of(checkpoint, 'cls.0.weight')[0],
                align_corners=True,
                auxiliary_channels=(
                    shape_of(checkpoint, auxiliary)[1] if auxiliary in checkpoint.tensors else 0
                ),
            )
        ),
        classes=classes,
        names=names,
        left_out=left_out,
        credit=_CITYSCAPES if classes == 19 else Credit(weights_license='MIT'),
    )


_CITYSCAPES = Credit(
    'Cityscapes train (fine), as the project publishes for 19 classes', 'MIT', CITYSCAPES_TERMS
)
