"""Architectures: everything about a network that its tensors do not tell, as plain data.

A wrong dilation, `align_corners` or order of concatenation loads without an error and labels
wrongly, so each is said here, checked, and kept in the contract file (`configuration`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
"""Normalisation of ImageNet ResNets, for pixel values 0 to 255 in RGB order."""

RESNETS = ('resnet18', 'resnet50', 'resnet101')
_CHOICES: Mapping[str, tuple[str, ...]] = {
    'family': ('pspnet', 'smp_pspnet', 'segnet'),
    'dilation': ('none', 'contracted', 'full', 'first'),
    'stride_in': ('conv1', 'conv2'),
    'concat': ('features_1236', 'features_6321', '1236_features'),
}
# For each family and backbone: the strides and the dilations there are.
_BACKBONES: Mapping[str, Mapping[str, tuple[tuple[int, ...], tuple[str, ...]]]] = {
    'pspnet': {
        **dict.fromkeys(RESNETS, ((8, 32), ('contracted', 'full'))),
        'mobilenet_v2': ((8,), ('first',)),
        'efficientnet_lite0': ((8, 16), ('contracted',)),
    },
    'smp_pspnet': dict.fromkeys(RESNETS, ((8,), ('none',))),
    'segnet': dict.fromkeys(('vgg16', 'vgg16_quarter'), ((1,), ('none',))),
}


@dataclass(frozen=True)
class Architecture:
    """One network of a family.

    :param family: `pspnet`, `smp_pspnet` (of segmentation_models_pytorch: another network),
        `segnet` (which pools no pyramid: 0 `pool_channels`, no `bins`).
    :param backbone: the network that makes the features.
    :param stem: widths of a ResNet's three 3x3 convolutions; () for a single one of 7x7, and for
        backbones that are no ResNet.
    :param dilation: `contracted` gives the first block of a dilated stage half the stage's
        dilation (OpenMMLab's ResNets), `full` the whole (the authors), `first` dilates no other
        block than the first (OpenMMLab's MobileNetV2), `none` nothing at all.
    :param backbone_stride: input pixels a side for each place of the features. A ResNet of
        stride 32 keeps its dilations (1, 1, 2, 4), as the published ones do.
    :param pool_channels: width of each pooling level.
    :param fuse_channels: width of what the classifier sees.
    :param align_corners: the rule by which pooled maps and logits are up-sampled.
    :param mean: and `std`: normalise pixel values 0 to 255 in RGB order. A network that was
        trained on BGR is brought to RGB when its weights are read.
    :param concat: in which order features and pooled maps (by bins) enter the fuse convolution.
    :param bins: cells a side of each pooling level.
    :param stride_in: which convolution of a bottleneck has the stride: `conv2`, or `conv1` as in
        He et al.'s own ResNets.
    :param cells: with more than 1 the classifier tells `cells` x `cells` labels for each place,
        so that borders are finer than the backbone's stride at next to no cost: sub-pixel
        convolution (Shi et al., arXiv:1609.05158), used for labels by Tian et al.
        (arXiv:1903.02120).
    :param auxiliary_channels: width of the auxiliary head, which training alone uses; 0: none.
    :raises ValueError: when a value is unknown or values contradict each other.
    """

    name: str
    family: str
    backbone: str
    stem: tuple[int, ...]
    dilation: str
    backbone_stride: int
    pool_channels: int
    fuse_channels: int
    align_corners: bool
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    concat: str = 'features_1236'
    bins: tuple[int, ...] = (1, 2, 3, 6)
    stride_in: str = 'conv2'
    cells: int = 1
    auxiliary_channels: int = 0

    @property
    def stride(self) -> int:
        """Input pixels a side for each place of the logits."""
        return self.backbone_stride // self.cells

    def feature_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the features of an image of [height, width].

        :raises ValueError: when images must be whole strides and this one is not.
        """
        stride = self.backbone_stride
        # The others round up at each stride, as the contract does for logits.
        whole = self.backbone == 'efficientnet_lite0' or self.family != 'pspnet' or self.cells > 1
        if whole and (height % stride or width % stride):
            raise ValueError(
                f'expected a size that is a multiple of {stride}, got {width}x{height}'
            )
        return -(-height // stride), -(-width // stride)

    def to_config(self) -> dict[str, Any]:
        """Return all but the name, as JSON can hold it."""
        config = asdict(self)
        del config['name']
        return {key: list(v) if isinstance(v, tuple) else v for key, v in config.items()}

    @classmethod
    def from_config(cls, name: str, config: Mapping[str, Any]) -> Architecture:
        """Read what `to_config` gave.

        :raises ValueError: when an entry is missing, unknown or wrong.
        """
        known = {field.name: field for field in fields(cls) if field.name != 'name'}
        unknown = sorted(set(config) - set(known))
        missing = [k for k, f in known.items() if f.default is MISSING and k not in config]
        if unknown or missing:
            parts = [f'unknown: {", ".join(unknown)}'] * bool(unknown)
            parts += [f'missing: {", ".join(missing)}'] * bool(missing)
            raise ValueError(
                f'configuration of {name}: expected {", ".join(known)}; {"; ".join(parts)}'
            )
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in config.items()
        }
        return cls(name=name, **values)

    def __post_init__(self) -> None:
        for key, choices in _CHOICES.items():
            self._check(key, 'one of ' + ', '.join(choices), getattr(self, key) in choices)
        for key in ('backbone_stride', 'fuse_channels', 'cells'):
            self._check(key, 'a whole number from 1', _is_count(getattr(self, key)))
        for key in ('pool_channels', 'auxiliary_channels'):
            whole = _is_count(getattr(self, key)) or getattr(self, key) == 0
            self._check(key, 'a whole number from 0', whole)
        self._check('align_corners', 'true or false', isinstance(self.align_corners, bool))
        for key in ('stem', 'bins'):
            value = getattr(self, key)
            good = isinstance(value, tuple) and all(map(_is_count, value))
            self._check(key, 'a list of whole numbers from 1', good)
        for key in ('mean', 'std'):
            value = getattr(self, key)
            good = isinstance(value, tuple) and len(value) == 3 and all(map(_is_number, value))
            self._check(key, 'three numbers', good)
        self._check('std', 'three numbers above 0', min(self.std) > 0)
        divides = self.backbone_stride % self.cells == 0
        self._check('cells', f'a divisor of the stride {self.backbone_stride}', divides)
        if self.family in _BACKBONES:
            self._check_backbone()

    def _check_backbone(self) -> None:
        backbones = _BACKBONES[self.family]
        known = f'one of {", ".join(backbones)} for {self.family}'
        self._check('backbone', known, self.backbone in tuple(backbones))
        strides, dilations = backbones[self.backbone]
        for key, choices in (('backbone_stride', strides), ('dilation', dilations)):
            expected = f'{" or ".join(map(str, choices))} for {self.family} on {self.backbone}'
            self._check(key, expected, getattr(self, key) in choices)
        if self.backbone in RESNETS:
            expected, good = 'three widths, or none for 7x7', len(self.stem) in {0, 3}
        else:
            expected, good = f'none for {self.backbone}', not self.stem
        self._check('stem', expected, good)
        if self.family == 'segnet':
            self._check('bins', 'none for segnet', not self.bins)
            self._check('pool_channels', '0 for segnet', not self.pool_channels)
            self._check('cells', '1 for segnet', self.cells == 1)
        else:
            self._check('bins', 'at least one', len(self.bins) > 0)
            self._check('pool_channels', 'a whole number from 1', self.pool_channels > 0)

    def _check(self, key: str, expected: str, good: bool) -> None:
        if not good:
            raise ValueError(
                f'architecture {self.name}: {key}: expected {expected}, got {getattr(self, key)!r}'
            )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _presets() -> tuple[Architecture, ...]:
    r50 = Architecture(
        name='pspnet_r50_d8',
        family='pspnet',
        backbone='resnet50',
        stem=(32, 32, 64),
        dilation='contracted',
        backbone_stride=8,
        pool_channels=512,
        fuse_channels=512,
        align_corners=False,
        auxiliary_channels=256,
    )
    r18 = replace(
        r50,
        name='pspnet_r18_d8',
        backbone='resnet18',
        pool_channels=128,
        fuse_channels=128,
        auxiliary_channels=64,
    )
    r101 = replace(r50, name='pspnet_r101_d8', backbone='resnet101')
    deep = (r18, r50, r101)
    plain = [replace(a, name=a.name.replace('_d8', 'b_d8'), stem=()) for a in deep]
    published = (*deep, *plain)
    large = [replace(a, name=f'{a.name}_769', align_corners=True) for a in published]
    semseg = replace(
        r50,
        name='pspnet_semseg_r50',
        stem=(64, 64, 128),
        dilation='full',
        align_corners=True,
    )
    smp = replace(
        r50,
        name='smp_pspnet_r50',
        family='smp_pspnet',
        stem=(),
        dilation='none',
        pool_channels=128,
        align_corners=True,
        concat='1236_features',
        auxiliary_channels=0,
    )
    segnet = Architecture(
        name='segnet_vgg16',
        family='segnet',
        backbone='vgg16',
        stem=(),
        dilation='none',
        backbone_stride=1,
        pool_channels=0,
        fuse_channels=64,
        align_corners=False,
        bins=(),
    )
    return (
        *published,
        *large,
        replace(r50, name='pspnet_r50_d32', backbone_stride=32),
        replace(plain[1], name='pspnet_r50b_d32', backbone_stride=32),
        replace(r50, name='pspnet_mv2_d8', backbone='mobilenet_v2', stem=(), dilation='first'),
        semseg,
        replace(semseg, name='pspnet_semseg_r101', backbone='resnet101'),
        replace(
            semseg,
            name='pspnet_caffe_r101',
            backbone='resnet101',
            concat='features_6321',
            mean=(123.68, 116.779, 103.939),
            std=(1.0, 1.0, 1.0),
        ),
        replace(smp, name='smp_pspnet_r18', backbone='resnet18', pool_channels=32),
        smp,
        # The last two stages would cost as much as the first five and, at stride 8, bring less
        # than the pooling head does: the network ends where an embedded processor can follow.
        Architecture(
            name='pspnet_lite0_d8',
            family='pspnet',
            backbone='efficientnet_lite0',
            stem=(),
            dilation='contracted',
            backbone_stride=8,
            pool_channels=32,
            fuse_channels=128,
            align_corners=False,
            mean=(127.0, 127.0, 127.0),
            std=(128.0, 128.0, 128.0),
            cells=2,
            auxiliary_channels=64,
        ),
        segnet,
        replace(segnet, name='segnet_small', backbone='vgg16_quarter', fuse_channels=16),
    )


ARCHITECTURES: Mapping[str, Architecture] = {preset.name: preset for preset in _presets()}
"""The published networks and the package's own, by name; `_769` are OpenMMLab's of that crop."""


def architecture(name: str) -> Architecture:
    """Look up an architecture.

    :raises ValueError: when there is none of that name; the message lists the known.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f'no architecture {name!r}; known are {", ".join(ARCHITECTURES)}')
    return ARCHITECTURES[name]
