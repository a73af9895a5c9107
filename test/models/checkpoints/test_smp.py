from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from seg_perception.models.checkpoints.detect import identify
from seg_perception.models.checkpoints.read import CheckpointError
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.networks.architecture import ARCHITECTURES
from test.models.checkpoints.layouts import layout, shadow


@pytest.mark.parametrize('name', ['smp_pspnet_r18', 'smp_pspnet_r50'])
def test_it_is_identified(name: str) -> None:
    found = identify(shadow(name))
    assert found.architecture == ARCHITECTURES[name]
    assert found.source == 'segmentation_models_pytorch'
    assert found.names == layout(name)
    assert found.names['decoder.psp.blocks.0.pool.1.0.bias'] == 'pyramid.levels.0.0.bias'
    assert all(n.startswith(('encoder.layer3.', 'encoder.layer4.')) for n in found.left_out)
    assert len(found.left_out) == {'smp_pspnet_r18': 60, 'smp_pspnet_r50': 174}[name]
    assert found.credit.trained_on == ''


def test_an_option_may_only_agree() -> None:
    with pytest.raises(CheckpointError, match='--output-stride 32 contradicts'):
        identify(shadow('smp_pspnet_r18'), Overrides(output_stride=32))


def test_another_encoder() -> None:
    whole = shadow('smp_pspnet_r18')
    more = {f'encoder.layer3.{block}.conv1.weight': torch.zeros(1) for block in range(6)}
    with pytest.raises(CheckpointError, match='6 basic blocks in its third stage is not known'):
        identify(replace(whole, tensors={**whole.tensors, **more}))


def test_a_deeper_encoder() -> None:
    whole = shadow('smp_pspnet_r18')
    name = 'decoder.psp.blocks.0.pool.1.0.weight'
    deep = {**whole.tensors, name: torch.empty(64, 256, 1, 1, device='meta')}
    with pytest.raises(CheckpointError, match='encoder_depth 3'):
        identify(replace(whole, tensors=deep))
