"""Architectures as data: what is written is read, and nothing is guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from seg_perception.models.networks.architecture import ARCHITECTURES, Architecture, architecture

R50 = architecture('pspnet_r50_d8')


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_what_is_written_is_read(name: str) -> None:
    preset = architecture(name)
    config = json.loads(json.dumps(preset.to_config()))
    assert 'name' not in config
    assert Architecture.from_config(name, config) == preset


def test_published_networks_differ_as_published() -> None:
    """The facts of the originals' own configuration files."""
    known = {
        (a.backbone, a.stem, a.dilation, a.backbone_stride, a.pool_channels, a.align_corners)
        for a in ARCHITECTURES.values()
        if a.family == 'pspnet'
    }
    assert ('resnet18', (32, 32, 64), 'contracted', 8, 128, False) in known
    assert ('resnet101', (), 'contracted', 8, 512, True) in known
    assert ('resnet50', (32, 32, 64), 'contracted', 32, 512, False) in known
    assert ('resnet50', (64, 64, 128), 'full', 8, 512, True) in known
    assert ('mobilenet_v2', (), 'first', 8, 512, False) in known
    assert architecture('pspnet_caffe_r101').concat == 'features_6321'
    assert architecture('smp_pspnet_r18').concat == '1236_features'
    assert architecture('pspnet_lite0_d8').stride == 4


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"no architecture 'unet'; known are pspnet_r18_d8, psp"):
        architecture('unet')


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        ({'family': 'unet'}, r"family: expected one of pspnet, .*, got 'unet'"),
        ({'backbone': 'vgg16'}, r"backbone: expected one of resnet18, .* for pspnet, got 'vgg16'"),
        ({'backbone': {}}, r'backbone: expected one of'),
        ({'dilation': 'half'}, r"dilation: expected one of none, contracted, full, first, got 'h"),
        ({'dilation': 'none'}, r'dilation: expected contracted or full for pspnet on resnet50'),
        ({'dilation': 'first'}, r'dilation: expected contracted or full for pspnet on resnet50'),
        ({'backbone_stride': 16}, r'backbone_stride: expected 8 or 32 for pspnet on resnet50, got'),
        ({'backbone_stride': True}, r'backbone_stride: expected a whole number from 1, got True'),
        ({'stem': [32, 64]}, r'stem: expected three widths, or none for 7x7, got \(32, 64\)'),
        ({'stem': 'deep'}, r"stem: expected a list of whole numbers from 1, got 'deep'"),
        (
            {'backbone': 'mobilenet_v2', 'dilation': 'first'},
            r'stem: expected none for mobil',
        ),
        ({'pool_channels': 0}, r'pool_channels: expected a whole number from 1, got 0'),
        ({'fuse_channels': 512.0}, r'fuse_channels: expected a whole number from 1, got 512.0'),
        ({'auxiliary_channels': -1}, r'auxiliary_channels: expected a whole number from 0, got -1'),
        ({'align_corners': 1}, r'align_corners: expected true or false, got 1'),
        ({'concat': 'x1236'}, r"concat: expected one of features_1236, .*, got 'x1236'"),
        ({'stride_in': 'conv3'}, r"stride_in: expected one of conv1, conv2, got 'conv3'"),
        ({'bins': []}, r'bins: expected at least one, got \(\)'),
        ({'cells': 3}, r'cells: expected a divisor of the stride 8, got 3'),
        ({'mean': [1, 2]}, r'mean: expected three numbers, got \(1, 2\)'),
        ({'std': [1, 0, 1]}, r'std: expected three numbers above 0'),
        ({'family': 'smp_pspnet'}, r'dilation: expected none for smp_pspnet on resnet50'),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f'architecture mine: {sentence}'):
        Architecture.from_config('mine', {**R50.to_config(), **change})


def test_entries_are_neither_guessed_nor_ignored() -> None:
    config = R50.to_config()
    del config['align_corners']
    with pytest.raises(ValueError, match=r'configuration of mine: .*; unknown: a, b; missing: al'):
        Architecture.from_config('mine', {**config, 'b': 1, 'a': 2})


def test_entries_of_later_releases_may_be_absent() -> None:
    config = R50.to_config()
    del config['stride_in']
    assert Architecture.from_config('mine', config) == replace(R50, name='mine')
