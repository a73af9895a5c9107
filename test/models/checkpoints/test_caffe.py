from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from seg_perception.models.checkpoints.detect import fill, identify
from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.networks.architecture import ARCHITECTURES
from seg_perception.models.networks.build import build
from test.models.checkpoints.layouts import checkpoint, layout, shadow

NAME = 'pspnet_caffe_r101'


def test_it_is_identified() -> None:
    found = identify(shadow(NAME))
    assert found.architecture == replace(ARCHITECTURES[NAME], auxiliary_channels=0)
    assert found.architecture.mean == (123.68, 116.779, 103.939)
    assert found.architecture.std == (1.0, 1.0, 1.0)
    assert found.architecture.concat == 'features_6321'
    assert found.bgr
    assert found.names == layout(NAME)
    assert found.names['conv4_23_3x3/bn.running_var'] == 'backbone.layer3.22.bn2.running_var'
    assert found.names['conv5_3_pool6_conv.weight'] == 'pyramid.levels.3.0.weight'
    assert 'Cityscapes' in found.credit.trained_on
    assert found.credit.weights_license == ''


@pytest.mark.parametrize('mark', ['_bn.', '.bn.'])
def test_converters_write_the_mark_of_normalisation_otherwise(mark: str) -> None:
    whole = shadow(NAME)
    other = {name.replace('/bn.', mark): value for name, value in whole.tensors.items()}
    expected = {name.replace('/bn.', mark): ours for name, ours in layout(NAME).items()}
    assert identify(replace(whole, tensors=other)).names == expected


def test_one_tensor_under_two_names() -> None:
    whole = shadow(NAME)
    double = {**whole.tensors, 'conv5_4_bn.bias': whole.tensors['conv5_4/bn.bias']}
    expected = r'given twice: conv5_4/bn\.bias, conv5_4_bn\.bias$'
    with pytest.raises(CheckpointError, match=expected):
        identify(replace(whole, tensors=double))


def as_resnet50(whole: Checkpoint) -> Checkpoint:
    kept = {
        name: value
        for name, value in whole.tensors.items()
        if not name.startswith('conv4_') or int(name.split('_')[1]) <= 6
    }
    return replace(whole, tensors=kept)


def test_the_stride_is_elsewhere_in_their_resnet50() -> None:
    assert identify(shadow(NAME)).architecture.stride_in == 'conv2'
    found = identify(as_resnet50(shadow(NAME))).architecture
    assert (found.backbone, found.stride_in) == ('resnet50', 'conv1')


def test_bgr_becomes_rgb_and_statistics_become_flat() -> None:
    whole = as_resnet50(checkpoint(NAME))
    first = torch.arange(64 * 3 * 9.0).view(64, 3, 3, 3)
    tensors = {
        name: value.view(1, -1, 1, 1) if value.dim() == 1 and '/bn.' in name else value
        for name, value in whole.tensors.items()
    }
    whole = replace(whole, tensors={**tensors, 'conv1_1_3x3_s2.weight': first})
    found = identify(whole)
    with torch.device('meta'):
        network = build(found.architecture, found.classes)
    fill(network, whole, found)
    state = network.state_dict()
    assert torch.equal(state['backbone.stem.0.weight'], first[:, [2, 1, 0]])
    for theirs, ours in found.names.items():
        if ours != 'backbone.stem.0.weight':
            assert torch.equal(state[ours].flatten(), whole.tensors[theirs].flatten()), theirs
