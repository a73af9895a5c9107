"""The layout of OpenMMLab's mmsegmentation, from 0.5 to 1.2: `backbone`, `decode_head`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from seg_perception.models.checkpoints.config_text import lookup, parse_config
from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.checkpoints.source import (
    CITYSCAPES_TERMS,
    Credit,
    Identified,
    Overrides,
    by_rules,
    named,
    rename,
    resnet,
    settle,
    shape_of,
)
from seg_perception.models.networks.architecture import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Architecture,
)

_OURS = by_rules(
    (r'(backbone\..+)', r'\1'),
    (r'decode_head\.psp_modules\.(\d+)\.1\.conv\.(.+)', r'pyramid.levels.\1.0.\2'),
    (r'decode_head\.psp_modules\.(\d+)\.1\.bn\.(.+)', r'pyramid.levels.\1.1.\2'),
    (r'decode_head\.bottleneck\.conv\.(.+)', r'fuse.0.\1'),
    (r'decode_head\.bottleneck\.bn\.(.+)', r'fuse.1.\1'),
    (r'decode_head\.conv_seg\.(.+)', r'classifier.\1'),
    (r'auxiliary_head\.convs\.0\.conv\.(.+)', r'auxiliary.0.0.\1'),
    (r'auxiliary_head\.convs\.0\.bn\.(.+)', r'auxiliary.0.1.\1'),
    (r'auxiliary_head\.conv_seg\.(.+)', r'auxiliary.2.\1'),
)
_LEFT_OUT = (r'backbone\.fc\..+', r'data_preprocessor\.(mean|std)')

_ALIGN, _STRIDE, _DILATION = '--align-corners', '--output-stride', '--dilation'
_RECORD = 'the configuration in the file'
_STRIDES: Mapping[tuple[int, ...], int] = {(1, 2, 1, 1): 8, (1, 2, 2, 2): 32}
_DILATIONS = (1, 1, 2, 4)
_MOBILE_STRIDES, _MOBILE_DILATIONS = (1, 2, 2, 1, 1, 1, 1), (1, 1, 1, 2, 2, 4, 4)


class _Settings(NamedTuple):
    align_corners: bool
    stride: int
    dilation: str


class _Normalisation(NamedTuple):
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool


def matches(checkpoint: Checkpoint) -> bool:
    """Tell by its names whether a checkpoint has this layout."""
    return any(name.startswith('decode_head.') for name in checkpoint.tensors)


def identify(checkpoint: Checkpoint, overrides: Overrides) -> Identified:
    """Tell what a checkpoint is: stem, depth and widths by its tensors, the rest by its record.

    :raises CheckpointError: when a setting is neither recorded nor said, or cannot be had.
    """
    if not any(name.startswith('decode_head.psp_modules.') for name in checkpoint.tensors):
        raise CheckpointError(
            f'{checkpoint.path}: a checkpoint of mmsegmentation, but not of a PSPNet'
        )
    config = _config(checkpoint)
    backbone, stem = _backbone(checkpoint)
    settings = _settings(checkpoint, config, overrides, mobile=backbone == 'mobilenet_v2')
    norm = _normalisation(checkpoint, config)
    auxiliary = 'auxiliary_head.conv_seg.weight'
    names, left_out = rename(checkpoint, _OURS, _LEFT_OUT)
    return Identified(
        source='mmsegmentation',
        architecture=named(
            Architecture(
                name=f'pspnet_{backbone}',
                family='pspnet',
                backbone=backbone,
                stem=stem,
                dilation=settings.dilation,
                backbone_stride=settings.stride,
                pool_channels=shape_of(checkpoint, 'decode_head.psp_modules.0.1.conv.weight')[0],
                fuse_channels=shape_of(checkpoint, 'decode_head.bottleneck.conv.weight')[0],
                align_corners=settings.align_corners,
                mean=norm.mean,
                std=norm.std,
                bins=_bins(checkpoint, config),
                stride_in='conv1' if _backbone_says(config, 'style') == 'caffe' else 'conv2',
                auxiliary_channels=(
                    shape_of(checkpoint, auxiliary)[1] if auxiliary in checkpoint.tensors else 0
                ),
            )
        ),
        classes=shape_of(checkpoint, 'decode_head.conv_seg.weight')[0],
        names=names,
        left_out=left_out,
        bgr=norm.bgr,
        class_names=_class_names(checkpoint),
        credit=_credit(config),
    )


def _settings(
    checkpoint: Checkpoint, config: Mapping[str, Any], overrides: Overrides, *, mobile: bool
) -> _Settings:
    recorded_align = lookup(config, 'model', 'decode_head', 'align_corners')
    recorded = _recorded_mobile if mobile else _recorded_resnet
    recorded_stride, recorded_dilation = recorded(checkpoint, config)
    where = 'the one published MobileNetV2' if mobile else _RECORD
    align = settle(checkpoint, _ALIGN, overrides.align_corners, recorded_align, _RECORD)
    stride = settle(checkpoint, _STRIDE, overrides.output_stride, recorded_stride, where)
    dilation = settle(checkpoint, _DILATION, overrides.dilation, recorded_dilation, where)
    if align is None or stride is None or dilation is None:
        wanted = {
            _ALIGN: (align, 'true|false', {'769x769': 'true', '512x1024': 'false'}),
            _STRIDE: (stride, '8|32', {'-d32': '32', '-d8': '8'}),
            _DILATION: (dilation, 'contracted|full', {'': 'contracted'}),
        }
        options = [f'{key} {values}' for key, (had, values, _) in wanted.items() if had is None]
        name = checkpoint.path.name.lower()
        hints = [
            f'{key} {value}'
            for key, (had, _, words) in wanted.items()
            for word, value in words.items()
            if had is None and word in name
        ]
        hint = f'; OpenMMLab published such files with {" ".join(hints)}' if hints else ''
        raise CheckpointError(
            f'{checkpoint.path}: no tensor tells, and the file does not record, '
            f'{", ".join(options)}; a wrong value loads without an error and labels wrongly, so '
            f'say it{hint}'
        )
    return _Settings(align, stride, dilation)


def _config(checkpoint: Checkpoint) -> Mapping[str, Any]:
    text = checkpoint.meta.get('config') or checkpoint.meta.get('cfg')
    if not isinstance(text, str):
        return {}
    try:
        return parse_config(text)
    except ValueError as error:
        raise CheckpointError(
            f'{checkpoint.path}: the configuration it carries cannot be read: {error}'
        ) from error


def _backbone(checkpoint: Checkpoint) -> tuple[str, tuple[int, ...]]:
    if 'backbone.conv1.conv.weight' in checkpoint.tensors:
        return 'mobilenet_v2', ()
    name = resnet(checkpoint, r'backbone\.layer3\.(\d+)\.', 'backbone.layer3.0.conv3.weight')
    if 'backbone.stem.0.weight' not in checkpoint.tensors:
        return name, ()
    return name, tuple(shape_of(checkpoint, f'backbone.stem.{i}.weight')[0] for i in (0, 3, 6))


def _recorded_resnet(
    checkpoint: Checkpoint, config: Mapping[str, Any]
) -> tuple[int | None, str | None]:
    if not config:
        return None, None
    strides, dilations = _numbers(config, 'strides'), _numbers(config, 'dilations')
    if strides not in _STRIDES or dilations != _DILATIONS:
        _refuse(checkpoint, strides, dilations, f'{list(_STRIDES)} and {_DILATIONS}')
    contracted = _backbone_says(config, 'contract_dilation')
    return _STRIDES[strides], 'contracted' if contracted else 'full'


def _recorded_mobile(
    checkpoint: Checkpoint, config: Mapping[str, Any]
) -> tuple[int | None, str | None]:
    # Published with one set of strides alone: a file without a record has these.
    strides, dilations = _numbers(config, 'strides'), _numbers(config, 'dilations')
    if config and (strides, dilations) != (_MOBILE_STRIDES, _MOBILE_DILATIONS):
        _refuse(checkpoint, strides, dilations, f'{_MOBILE_STRIDES} and {_MOBILE_DILATIONS}')
    return 8, 'first'


def _refuse(checkpoint: Checkpoint, strides: object, dilations: object, expected: str) -> None:
    raise CheckpointError(
        f'{checkpoint.path}: {_RECORD} says strides {strides} and dilations {dilations}; '
        f'expected {expected}'
    )


def _bins(checkpoint: Checkpoint, config: Mapping[str, Any]) -> tuple[int, ...]:
    recorded = lookup(config, 'model', 'decode_head', 'pool_scales')
    bins = (1, 2, 3, 6) if recorded is None else _whole_numbers(recorded)
    levels = {
        name.split('.')[2] for name in checkpoint.tensors if name.startswith('decode_head.psp_')
    }
    if len(bins) != len(levels):
        raise CheckpointError(
            f'{checkpoint.path}: expected one pooling level for each of the bins {bins}, '
            f'got {len(levels)}'
        )
    return bins


def _normalisation(checkpoint: Checkpoint, config: Mapping[str, Any]) -> _Normalisation:
    found = (
        lookup(config, 'img_norm_cfg')
        or lookup(config, 'model', 'data_preprocessor')
        or lookup(config, 'data_preprocessor')
    )
    if not isinstance(found, Mapping) or found.get('mean') is None:
        return _Normalisation(IMAGENET_MEAN, IMAGENET_STD, bgr=False)
    try:
        mean, std = (tuple(float(number) for number in found[key]) for key in ('mean', 'std'))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f'{checkpoint.path}: {_RECORD} has no readable mean and std: {error!r}'
        ) from error
    bgr = not found.get('to_rgb', found.get('bgr_to_rgb', False))
    return _Normalisation(mean[::-1], std[::-1], bgr) if bgr else _Normalisation(mean, std, bgr)


def _class_names(checkpoint: Checkpoint) -> tuple[str, ...]:
    found = checkpoint.meta.get('CLASSES') or lookup(checkpoint.meta, 'dataset_meta', 'classes')
    return tuple(map(str, found)) if isinstance(found, (list, tuple)) else ()


def _credit(config: Mapping[str, Any]) -> Credit:
    if lookup(config, 'dataset_type') != 'CityscapesDataset':
        return Credit()
    return Credit('Cityscapes train (fine)', 'Apache-2.0', CITYSCAPES_TERMS)


def _backbone_says(config: Mapping[str, Any], key: str) -> Any:
    return lookup(config, 'model', 'backbone', key)


def _numbers(config: Mapping[str, Any], key: str) -> tuple[int, ...]:
    return _whole_numbers(_backbone_says(config, key))


def _whole_numbers(value: object) -> tuple[int, ...]:
    """Return a list's numbers; none where it is no list of them."""
    if isinstance(value, (list, tuple)) and all(isinstance(number, int) for number in value):
        return tuple(value)
    return ()
