from __future__ import annotations

from dataclasses import replace

import pytest

from seg_perception.models.checkpoints.detect import identify
from seg_perception.models.checkpoints.read import CheckpointError
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.networks.architecture import ARCHITECTURES
from test.models.checkpoints.layouts import layout, shadow


@pytest.mark.parametrize('name', ['pspnet_semseg_r50', 'pspnet_semseg_r101'])
def test_it_is_identified(name: str) -> None:
    found = identify(shadow(name))
    assert found.architecture == ARCHITECTURES[name]
    assert found.source == 'hszhao/semseg'
    assert found.names == layout(name)
    assert found.names['layer0.6.weight'] == 'backbone.stem.6.weight'
    assert found.names['ppm.features.3.2.bias'] == 'pyramid.levels.3.1.bias'
    assert not found.bgr
    assert found.credit.weights_license == 'MIT'
    assert found.credit.trained_on.startswith('Cityscapes train (fine)')


def test_without_the_head_that_training_alone_uses() -> None:
    whole = shadow('pspnet_semseg_r50')
    kept = {name: v for name, v in whole.tensors.items() if not name.startswith('aux.')}
    found = identify(replace(whole, tensors=kept)).architecture
    assert found == replace(ARCHITECTURES['pspnet_semseg_r50'], auxiliary_channels=0)


def test_an_option_may_only_agree() -> None:
    checkpoint = shadow('pspnet_semseg_r50')
    identify(checkpoint, Overrides(align_corners=True, output_stride=8, dilation='full'))
    with pytest.raises(CheckpointError, match='--align-corners false contradicts what networks'):
        identify(checkpoint, Overrides(align_corners=False))
    with pytest.raises(CheckpointError, match='--dilation contracted contradicts'):
        identify(checkpoint, Overrides(dilation='contracted'))
