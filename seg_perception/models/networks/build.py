"""From an architecture to its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from seg_perception.models.networks import efficientnet_lite
from seg_perception.models.networks.architecture import Architecture
from seg_perception.models.networks.network import Network
from seg_perception.models.networks.pspnet import PSPNet
from seg_perception.models.networks.segnet import SegNet
from seg_perception.models.networks.smp_pspnet import SmpPSPNet

_FAMILIES: Mapping[str, Callable[[Architecture, int], Network]] = {
    'pspnet': PSPNet,
    'smp_pspnet': SmpPSPNet,
    'segnet': SegNet,
}
_IMAGENET: Mapping[str, Callable[[nn.Module], None]] = {
    'efficientnet_lite0': efficientnet_lite.load_imagenet,
}


def build(architecture: Architecture, classes: int) -> Network:
    """Make the network of an architecture for `classes` labels, untrained.

    :raises ValueError: when there is less than one class.
    """
    if classes < 1:
        raise ValueError(f'expected at least one class, got {classes}')
    return _FAMILIES[architecture.family](architecture, classes)


def load_imagenet(network: Network) -> None:
    """Fill a network's backbone with ImageNet weights.

    :raises ValueError: when no such weights are at hand for it.
    :raises ImportError: when the package that holds them is not installed.
    """
    backbone = network.architecture.backbone
    if backbone not in _IMAGENET:
        raise ValueError(
            f'{network.architecture.name} has no pretrained weights to start from; '
            'add --from-scratch'
        )
    _IMAGENET[backbone](network.backbone)
