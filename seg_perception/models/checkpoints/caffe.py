"""The authors' first release, in Caffe, converted to tensors by layer name.

A Caffe file itself is not read. Expected is what a converter makes of it: `<layer>.weight` for
each convolution of `pspnet101_cityscapes_713.prototxt` (`conv6.bias` too), and for each
`<layer>/bn` its slope as `.weight`, its `.bias`, `.running_mean` and `.running_var`. For `/bn`,
`_bn` and `.bn` are taken too.
"""

from __future__ import annotations

import re

from seg_perception.models.checkpoints.read import Checkpoint
from seg_perception.models.checkpoints.source import (
    CITYSCAPES_TERMS,
    Credit,
    Identified,
    Overrides,
    fixed,
    named,
    rename,
    resnet,
    shape_of,
)
from seg_perception.models.networks.architecture import Architecture

_MEAN = (123.68, 116.779, 103.939)
_STD = (1.0, 1.0, 1.0)

# A layer's convolution and normalisation in our network.
_LAYERS = {
    'conv1_1_3x3_s2': ('backbone.stem.0', 'backbone.stem.1'),
    'conv1_2_3x3': ('backbone.stem.3', 'backbone.stem.4'),
    'conv1_3_3x3': ('backbone.stem.6', 'backbone.stem.7'),
    **{
        f'conv5_3_pool{bins}_conv': (f'pyramid.levels.{level}.0', f'pyramid.levels.{level}.1')
        for level, bins in enumerate((1, 2, 3, 6))
    },
    'conv5_4': ('fuse.0', 'fuse.1'),
    'conv6': ('classifier', ''),
}
_BLOCK = {
    '1x1_reduce': ('conv1', 'bn1'),
    '3x3': ('conv2', 'bn2'),
    '1x1_increase': ('conv3', 'bn3'),
    '1x1_proj': ('downsample.0', 'downsample.1'),
}


def matches(checkpoint: Checkpoint) -> bool:
    """Tell by its names whether a checkpoint has this layout."""
    return 'conv1_1_3x3_s2.weight' in checkpoint.tensors


def identify(checkpoint: Checkpoint, overrides: Overrides) -> Identified:
    """Tell what a checkpoint is; all that its tensors do not tell follows from its depth.

    :raises CheckpointError: when an option contradicts that, or a tensor is unknown.
    """
    backbone = resnet(checkpoint, r'conv4_(\d+)_', 'conv4_1_1x1_increase.weight')
    fixed(checkpoint, overrides, align_corners=True, output_stride=8, dilation='full')
    names, left_out = rename(checkpoint, _ours)
    classes = shape_of(checkpoint, 'conv6.weight')[0]
    return Identified(
        source='hszhao/PSPNet',
        architecture=named(
            Architecture(
                name=f'pspnet_caffe_{backbone}',
                family='pspnet',
                backbone=backbone,
                stem=tuple(
                    shape_of(checkpoint, f'{layer}.weight')[0] for layer in list(_LAYERS)[:3]
                ),
                dilation='full',
                backbone_stride=8,
                pool_channels=shape_of(checkpoint, 'conv5_3_pool1_conv.weight')[0],
                fuse_channels=shape_of(checkpoint, 'conv5_4.weight')[0],
                align_corners=True,
                mean=_MEAN,
                std=_STD,
                concat='features_6321',
                # Their ResNet-50 (ADE20K) and ResNet-101 (Cityscapes, VOC) differ in this.
                stride_in='conv1' if backbone == 'resnet50' else 'conv2',
            )
        ),
        classes=classes,
        names=names,
        left_out=left_out,
        bgr=True,
        credit=_CITYSCAPES if classes == 19 else Credit(),
    )


_CITYSCAPES = Credit(
    'Cityscapes train (fine), as the authors publish for 19 classes', '', CITYSCAPES_TERMS
)


def _ours(name: str) -> str | None:
    match = re.fullmatch(r'(.+?)([/_.]bn)?\.(\w+)', name)
    if not match:
        return None
    layer, normalisation, leaf = match.groups()
    place = _place(layer)
    if place is None:
        return None
    return f'{place[1 if normalisation else 0]}.{leaf}'


def _place(layer: str) -> tuple[str, str] | None:
    match = re.fullmatch(r'conv([2-5])_(\d+)_(\w+)', layer)
    if not match or match[3] not in _BLOCK:
        return _LAYERS.get(layer)
    block = f'backbone.layer{int(match[1]) - 1}.{int(match[2]) - 1}'
    convolution, normalisation = _BLOCK[match[3]]
    return f'{block}.{convolution}', f'{block}.{normalisation}'
