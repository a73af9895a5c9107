from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seg_perception.models.checkpoints.detect import fill, identify, load_network
from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network
from test.models.checkpoints.layouts import CLASSES, checkpoint, layout

SAID = Overrides(align_corners=False, output_stride=8, dilation='contracted')
BIAS = 'decode_head.conv_seg.bias'


def filled(whole: Checkpoint, said: Overrides | None = None) -> Network:
    found = identify(whole, said)
    with torch.device('meta'):
        network = build(found.architecture, found.classes)
    fill(network, whole, found)
    return network


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('pspnet_r18_d8', SAID),
        ('pspnet_r50b_d8', SAID),
        ('pspnet_mv2_d8', Overrides(align_corners=False)),
        ('pspnet_semseg_r50', None),
        ('smp_pspnet_r18', None),
        ('smp_pspnet_r50', None),
    ],
)
def test_every_tensor_lands(name: str, said: Overrides | None) -> None:
    whole = checkpoint(name)
    state = filled(whole, said).state_dict()
    names = layout(name)
    assert sorted(names.values()) == sorted(state)
    for theirs, ours in names.items():
        assert torch.equal(state[ours].float(), whole.tensors[theirs]), theirs


def test_a_file_with_wrappers_is_loaded(tmp_path: Path) -> None:
    whole = checkpoint('smp_pspnet_r18')
    path = tmp_path / 'wrapped.pth'
    half = {f'module.{name}': value.half() for name, value in whole.tensors.items()}
    torch.save({'epoch': 1, 'state_dict': half}, path)
    network, found = load_network(path)
    assert found.architecture == architecture('smp_pspnet_r18')
    assert not network.training
    weight = network.state_dict()['fuse.0.weight']
    assert weight.dtype == torch.float32
    assert torch.equal(weight, whole.tensors['decoder.conv.0.weight'])


def test_counters_may_be_absent() -> None:
    whole = checkpoint('pspnet_r18_d8')
    kept = {name: v for name, v in whole.tensors.items() if 'num_batches_tracked' not in name}
    state = filled(replace(whole, tensors=kept), SAID).state_dict()
    assert state['backbone.stem.1.num_batches_tracked'] == 0
    assert torch.equal(state['classifier.bias'], whole.tensors[BIAS])


def test_what_a_file_claims_gets_no_memory_before_it_fits() -> None:
    whole = checkpoint('pspnet_r18_d8')
    name = 'decode_head.psp_modules.0.1.conv.weight'
    tensors = {**whole.tensors, name: torch.zeros(1).expand(10**9, 1, 1, 1)}
    with pytest.raises(CheckpointError, match=r'expected \[1000000000, 512, 1, 1\]'):
        filled(replace(whole, tensors=tensors), SAID)
    tensors[name] = torch.zeros(10**9, 0)
    with pytest.raises(CheckpointError, match=r'weight of a convolution, got \[1000000000, 0\]'):
        filled(replace(whole, tensors=tensors), SAID)


def test_all_that_is_wrong_is_listed() -> None:
    whole = checkpoint('pspnet_r18_d8')
    tensors = dict(whole.tensors)
    del tensors[BIAS]
    del tensors['backbone.layer2.1.conv2.weight']
    tensors['backbone.layer2.2.conv1.weight'] = torch.zeros(1)
    tensors['decode_head.bottleneck.conv.weight'] = torch.zeros(128, 8, 3, 3)
    with pytest.raises(CheckpointError) as error:
        filled(replace(whole, tensors=tensors), SAID)
    assert str(error.value) == (
        'pspnet_r18_d8.pth is not the pspnet_r18_d8 of mmsegmentation that it looks like: tensors '
        'missing: backbone.layer2.1.conv2.weight, classifier.bias; '
        'surplus: backbone.layer2.2.conv1.weight; '
        'of another shape: decode_head.bottleneck.conv.weight is [128, 8, 3, 3], '
        'expected [128, 1024, 3, 3]'
    )


def test_of_many_ten_are_listed() -> None:
    whole = checkpoint('pspnet_r18_d8')
    kept = {name: v for name, v in whole.tensors.items() if not name.startswith('backbone.layer4')}
    with pytest.raises(CheckpointError, match=r'missing: (backbone\.\S+, ){10}… \(25 in all\)$'):
        filled(replace(whole, tensors=kept), SAID)


def test_unknown_names_are_listed() -> None:
    whole = checkpoint('pspnet_r18_d8')
    more = {'neck.conv.weight': torch.zeros(1), 'decode_head.extra.bias': torch.zeros(1)}
    expected = r'unknown tensors: neck\.conv\.weight, decode_head\.extra\.bias$'
    with pytest.raises(CheckpointError, match=expected):
        filled(replace(whole, tensors={**whole.tensors, **more}), SAID)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_values_must_be_finite_and_nothing_is_changed(value: float) -> None:
    whole = checkpoint('pspnet_r18_d8')
    whole.tensors[BIAS][3] = value
    found = identify(whole, SAID)
    network = build(found.architecture, CLASSES)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(CheckpointError, match=r'not finite: decode_head\.conv_seg\.bias$'):
        fill(network, whole, found)
    assert all(torch.equal(before[name], v) for name, v in network.state_dict().items())


def test_an_unknown_layout() -> None:
    tensors = {f'blocks.{index}.weight': torch.zeros(1) for index in range(12)}
    expected = r'expected a PSPNet of mmsegmentation.*blocks\.0\.weight.*\(12 in all\)$'
    with pytest.raises(CheckpointError, match=expected):
        identify(Checkpoint(Path('a.pth'), tensors, {}))
