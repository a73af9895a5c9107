from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seg_perception.models.checkpoints.detect import identify
from seg_perception.models.checkpoints.read import CheckpointError
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.networks.architecture import ARCHITECTURES
from test.models.checkpoints.layouts import CLASSES, layout, shadow

RESNET = 'dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1), contract_dilation=True'
RESNET_D32 = 'dilations=(1, 1, 2, 4), strides=(1, 2, 2, 2), contract_dilation=True'
MOBILE = 'strides=(1, 2, 2, 1, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4, 4)'
NORMALISATION = 'mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]'

VARIANTS = [name for name in ARCHITECTURES if name.startswith(('pspnet_r', 'pspnet_mv2'))]


def config_0(backbone: str, align_corners: bool, normalisation: str = NORMALISATION) -> str:
    return (
        f"model = dict(type='EncoderDecoder', backbone=dict({backbone}),\n"
        "    decode_head=dict(type='PSPHead', pool_scales=(1, 2, 3, 6),\n"
        f'        align_corners={align_corners}))\n'
        f"dataset_type = 'CityscapesDataset'\nimg_norm_cfg = dict({normalisation}, to_rgb=True)\n"
    )


def config_1(backbone: str, align_corners: bool) -> str:
    return (
        f'data_preprocessor = dict(bgr_to_rgb=True, {NORMALISATION})\n'
        "dataset_type = 'CityscapesDataset'\n"
        f'model = dict(backbone=dict({backbone}),\n'
        f'    decode_head=dict(align_corners={align_corners}, pool_scales=(1, 2, 3, 6)))\n'
    )


def backbone_of(name: str) -> str:
    if name == 'pspnet_mv2_d8':
        return MOBILE
    return RESNET_D32 if name.endswith('_d32') else RESNET


def names() -> tuple[str, ...]:
    return ('road', 'sidewalk')


def test_there_is_every_published_variant() -> None:
    assert len(VARIANTS) == 15


@pytest.mark.parametrize('name', VARIANTS)
def test_the_record_of_0_x(name: str) -> None:
    text = config_0(backbone_of(name), name.endswith('_769'))
    found = identify(shadow(name, {'config': text, 'CLASSES': names()}))
    assert found.architecture == ARCHITECTURES[name]
    assert found.source == 'mmsegmentation'
    assert found.classes == CLASSES
    assert found.names == layout(name)
    assert found.left_out == ()
    assert not found.bgr
    assert found.class_names == names()
    assert found.credit.trained_on == 'Cityscapes train (fine)'
    assert found.credit.weights_license == 'Apache-2.0'
    assert 'non-commercial' in found.credit.data_license


@pytest.mark.parametrize('name', ['pspnet_r50_d8', 'pspnet_r101b_d8_769', 'pspnet_mv2_d8'])
def test_the_record_of_1_x(name: str) -> None:
    text = config_1(backbone_of(name), name.endswith('_769'))
    found = identify(shadow(name, {'cfg': text, 'dataset_meta': {'classes': names()}}))
    assert found.architecture == ARCHITECTURES[name]
    assert found.class_names == names()


def test_without_a_record_each_setting_is_asked_for() -> None:
    with pytest.raises(CheckpointError) as error:
        identify(shadow('pspnet_r18_d8'))
    assert (
        'does not record, --align-corners true|false, --output-stride 8|32, '
        '--dilation contracted|full; a wrong value loads without an error'
    ) in str(error.value)
    said = Overrides(align_corners=True, output_stride=32, dilation='full')
    with pytest.raises(CheckpointError, match=r'does not record, --output-stride 8\|32;'):
        identify(shadow('pspnet_r18_d8'), replace(said, output_stride=None))
    found = identify(shadow('pspnet_r18_d8'), said).architecture
    assert found.align_corners
    assert (found.backbone_stride, found.dilation) == (32, 'full')
    assert found.name == 'pspnet_resnet18'


def test_of_mobilenet_the_corners_alone_are_asked_for() -> None:
    with pytest.raises(CheckpointError, match=r'does not record, --align-corners true\|false;'):
        identify(shadow('pspnet_mv2_d8'))
    found = identify(shadow('pspnet_mv2_d8'), Overrides(align_corners=False))
    assert found.architecture == ARCHITECTURES['pspnet_mv2_d8']


@pytest.mark.parametrize(
    ('file', 'hint'),
    [
        (
            'pspnet_r18-d8_769x769_80k.pth',
            '--align-corners true --output-stride 8 --dilation contracted',
        ),
        (
            'pspnet_r50-d32_512x1024_80k.pth',
            '--align-corners false --output-stride 32 --dilation contracted',
        ),
        ('my.pth', '--dilation contracted'),
    ],
)
def test_the_file_name_is_no_more_than_a_hint(file: str, hint: str) -> None:
    checkpoint = replace(shadow('pspnet_r18_d8'), path=Path(file))
    with pytest.raises(CheckpointError) as error:
        identify(checkpoint)
    assert str(error.value).endswith(f'so say it; OpenMMLab published such files with {hint}')


@pytest.mark.parametrize(
    ('said', 'reason'),
    [
        (Overrides(align_corners=True), '--align-corners true contradicts .*, false; leave'),
        (Overrides(output_stride=32), '--output-stride 32 contradicts .*, 8; leave'),
        (Overrides(dilation='full'), '--dilation full contradicts .*, contracted; leave'),
    ],
)
def test_an_option_that_contradicts_the_record(said: Overrides, reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        identify(shadow('pspnet_r18_d8', {'config': config_0(RESNET, False)}), said)


def test_an_option_that_agrees_with_the_record() -> None:
    said = Overrides(align_corners=False, output_stride=8, dilation='contracted')
    found = identify(shadow('pspnet_r18_d8', {'config': config_0(RESNET, False)}), said)
    assert found.architecture == ARCHITECTURES['pspnet_r18_d8']


@pytest.mark.parametrize(
    'backbone',
    [
        'strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1)',
        'strides=(1, 2, 2, 1), dilations=(1, 1, 2, 4)',
        'depth=18',
    ],
)
def test_strides_that_cannot_be_had(backbone: str) -> None:
    with pytest.raises(CheckpointError, match=r'says strides .* and dilations'):
        identify(shadow('pspnet_r18_d8', {'config': config_0(backbone, False)}))
    with pytest.raises(CheckpointError, match=r'says strides .* and dilations'):
        identify(shadow('pspnet_mv2_d8', {'config': config_0(backbone, False)}))


def test_what_the_record_says_of_the_rest() -> None:
    backbone = "dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1), style='caffe'"
    text = config_0(backbone, False, 'mean=[1, 2, 3], std=[4, 5, 6]')
    text = text.replace('to_rgb=True', 'to_rgb=False').replace('Cityscapes', 'Mapillary')
    found = identify(shadow('pspnet_r50_d8', {'config': text}))
    assert found.bgr
    assert found.architecture.mean == (3.0, 2.0, 1.0)
    assert found.architecture.std == (6.0, 5.0, 4.0)
    assert found.architecture.stride_in == 'conv1'
    assert found.architecture.dilation == 'full'
    assert found.credit.trained_on == ''


def test_a_record_that_is_damaged() -> None:
    with pytest.raises(CheckpointError, match='the configuration it carries cannot be read'):
        identify(shadow('pspnet_r18_d8', {'config': 'model = dict('}))
    text = config_0(RESNET, False, "mean=['a', 2, 3], std=[1, 2, 3]")
    with pytest.raises(CheckpointError, match='no readable mean and std'):
        identify(shadow('pspnet_r18_d8', {'config': text}))


@pytest.mark.parametrize(('bins', 'told'), [('(1, 2, 3)', '(1, 2, 3)'), ('6', '()'), ("'a'", '()')])
def test_levels_and_bins_must_fit(bins: str, told: str) -> None:
    text = config_0(RESNET, False).replace('(1, 2, 3, 6)', bins)
    with pytest.raises(CheckpointError, match=re.escape(f'bins {told}, got 4')):
        identify(shadow('pspnet_r18_d8', {'config': text}))


def test_a_record_of_the_wrong_kind() -> None:
    text = config_0(RESNET, False).replace('align_corners=False', "align_corners='no'")
    expected = r"\.pth: architecture \w+: align_corners: expected true or false, got 'no'"
    with pytest.raises(CheckpointError, match=expected):
        identify(shadow('pspnet_r18_d8', {'config': text}))
    text = config_0(RESNET.replace('(1, 2, 1, 1)', '([1], 2)'), False)
    with pytest.raises(CheckpointError, match=r'says strides \(\) and dilations'):
        identify(shadow('pspnet_r18_d8', {'config': text}))


def test_without_an_auxiliary_head() -> None:
    whole = shadow('pspnet_r18_d8', {'config': config_0(RESNET, False)})
    kept = {name: v for name, v in whole.tensors.items() if not name.startswith('auxiliary')}
    found = identify(replace(whole, tensors=kept)).architecture
    assert found == replace(ARCHITECTURES['pspnet_r18_d8'], auxiliary_channels=0)


def test_what_is_known_and_not_needed() -> None:
    whole = shadow('pspnet_r18_d8', {'config': config_0(RESNET, False)})
    fc = {'backbone.fc.weight': torch.zeros(1), 'backbone.fc.bias': torch.zeros(1)}
    found = identify(replace(whole, tensors={**whole.tensors, **fc}))
    assert found.left_out == tuple(fc)


def test_another_network_of_theirs() -> None:
    tensors = {'backbone.layer1.0.conv1.weight': torch.zeros(1), 'decode_head.conv_seg.bias': 1}
    with pytest.raises(CheckpointError, match='mmsegmentation, but not of a PSPNet'):
        identify(replace(shadow('pspnet_r18_d8'), tensors=tensors))
