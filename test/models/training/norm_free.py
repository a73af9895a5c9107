"""`model train` with a network that has no batch statistics, which a CPU cannot share.

With them each of several processes on a CPU would normalise by its own frames, and no two runs of
different numbers of processes would agree.
"""

from __future__ import annotations

import sys

from torch import nn

from seg_perception.models.cli import main
from seg_perception.models.networks.network import Network
from seg_perception.models.training import start
from seg_perception.models.training.recipe import Recipe

_build = start.build


def norm_free(recipe: Recipe, classes: int) -> Network:
    network = _build(recipe, classes)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return network


if __name__ == '__main__':
    start.build = norm_free
    sys.exit(main(['train', *sys.argv[1:]]))
