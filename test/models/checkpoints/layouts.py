"""The layouts of published checkpoints: for each of a network's parameters the original's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from seg_perception.models.checkpoints.read import Checkpoint
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build

CLASSES = 19

MMSEG = {
    'backbone.': 'backbone.',
    r'pyramid.levels.(\d).0.': r'decode_head.psp_modules.\1.1.conv.',
    r'pyramid.levels.(\d).1.': r'decode_head.psp_modules.\1.1.bn.',
    'fuse.0.': 'decode_head.bottleneck.conv.',
    'fuse.1.': 'decode_head.bottleneck.bn.',
    'classifier.': 'decode_head.conv_seg.',
    'auxiliary.0.0.': 'auxiliary_head.convs.0.conv.',
    'auxiliary.0.1.': 'auxiliary_head.convs.0.bn.',
    'auxiliary.2.': 'auxiliary_head.conv_seg.',
}
SEMSEG = {
    'backbone.stem.': 'layer0.',
    'backbone.layer': 'layer',
    r'pyramid.levels.(\d).0.': r'ppm.features.\1.1.',
    r'pyramid.levels.(\d).1.': r'ppm.features.\1.2.',
    'fuse.': 'cls.',
    'classifier.': 'cls.4.',
    'auxiliary.0.': 'aux.',
    'auxiliary.2.': 'aux.4.',
}
SMP = {
    'backbone.': 'encoder.',
    r'pyramid.levels.(\d).': r'decoder.psp.blocks.\1.pool.1.',
    'fuse.': 'decoder.conv.',
    'classifier.': 'segmentation_head.0.',
}
_CAFFE_BLOCK = {
    'conv1': '1x1_reduce',
    'conv2': '3x3',
    'conv3': '1x1_increase',
    'downsample.0': '1x1_proj',
    'bn1': '1x1_reduce/bn',
    'bn2': '3x3/bn',
    'bn3': '1x1_increase/bn',
    'downsample.1': '1x1_proj/bn',
}
_CAFFE_LAYERS = {
    'backbone.stem.0': 'conv1_1_3x3_s2',
    'backbone.stem.1': 'conv1_1_3x3_s2/bn',
    'backbone.stem.3': 'conv1_2_3x3',
    'backbone.stem.4': 'conv1_2_3x3/bn',
    'backbone.stem.6': 'conv1_3_3x3',
    'backbone.stem.7': 'conv1_3_3x3/bn',
    'pyramid.levels.0.0': 'conv5_3_pool1_conv',
    'pyramid.levels.0.1': 'conv5_3_pool1_conv/bn',
    'pyramid.levels.1.0': 'conv5_3_pool2_conv',
    'pyramid.levels.1.1': 'conv5_3_pool2_conv/bn',
    'pyramid.levels.2.0': 'conv5_3_pool3_conv',
    'pyramid.levels.2.1': 'conv5_3_pool3_conv/bn',
    'pyramid.levels.3.0': 'conv5_3_pool6_conv',
    'pyramid.levels.3.1': 'conv5_3_pool6_conv/bn',
    'fuse.0': 'conv5_4',
    'fuse.1': 'conv5_4/bn',
    'classifier': 'conv6',
}


def renamed(rules: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that gives the original's name for ours."""

    def original(name: str) -> str:
        for pattern, template in rules.items():
            found = re.match(pattern.replace('.', r'\.'), name)
            if found:
                return found.expand(template) + name[found.end() :]
        raise AssertionError(name)

    return original


def caffe(name: str) -> str:
    place, _, leaf = name.rpartition('.')
    block = re.fullmatch(r'backbone\.layer(\d)\.(\d+)\.(.+)', place)
    if block:
        layer = f'conv{int(block[1]) + 1}_{int(block[2]) + 1}_{_CAFFE_BLOCK[block[3]]}'
    else:
        layer = _CAFFE_LAYERS[place]
    return f'{layer}.{leaf}'


@cache
def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters of an architecture of that name."""
    with torch.device('meta'):
        network = build(architecture(name), CLASSES)
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def layout(name: str) -> dict[str, str]:
    """Return our names by the original's, for an architecture's name."""
    if 'caffe' in name:
        needless = re.compile(r'auxiliary\.|.*num_batches_tracked')
        return {caffe(ours): ours for ours in shapes(name) if not needless.match(ours)}
    rules = SEMSEG if 'semseg' in name else SMP if 'smp' in name else MMSEG
    original = renamed(rules)
    return {original(ours): ours for ours in shapes(name)}


def unused(name: str) -> dict[str, tuple[int, ...]]:
    """Return what the files hold besides: smp's encoders are whole."""
    if not name.startswith('smp'):
        return {}
    whole = shapes(f'pspnet_{name.rpartition("_")[2]}b_d8')
    later = {ours: shape for ours, shape in whole.items() if re.match(r'backbone\.layer[34]', ours)}
    return {renamed(SMP)(ours): shape for ours, shape in later.items()}


def checkpoint(name: str, meta: Mapping[str, object] | None = None) -> Checkpoint:
    """Return a checkpoint as published, each tensor filled with a number of its own."""
    own = shapes(name)
    wanted = {theirs: own[ours] for theirs, ours in layout(name).items()} | unused(name)
    tensors: dict[str, Tensor] = {
        theirs: torch.full(shape, float(number))
        for number, (theirs, shape) in enumerate(wanted.items(), start=1)
    }
    return Checkpoint(Path(f'{name}.pth'), tensors, meta or {})


def shadow(name: str, meta: Mapping[str, object] | None = None) -> Checkpoint:
    """Return a checkpoint as published, of tensors that have shapes alone."""
    own = shapes(name)
    wanted = {theirs: own[ours] for theirs, ours in layout(name).items()} | unused(name)
    tensors = {theirs: torch.empty(shape, device='meta') for theirs, shape in wanted.items()}
    return Checkpoint(Path(f'{name}.pth'), tensors, meta or {})
