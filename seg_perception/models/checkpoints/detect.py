"""Finds out what a checkpoint is and fills a network of ours with it, to the last tensor."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from seg_perception.models.checkpoints import caffe, mmseg, semseg, smp, trained
from seg_perception.models.checkpoints.read import (
    Checkpoint,
    CheckpointError,
    listed,
    read_checkpoint,
)
from seg_perception.models.checkpoints.source import Identified, Overrides, Source
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network

SOURCES: tuple[Source, ...] = (trained, mmseg, semseg, smp, caffe)

_COUNTER = 'num_batches_tracked'
"""How often a normalisation was updated: of no use afterwards, and absent in old files."""


def identify(checkpoint: Checkpoint, overrides: Overrides | None = None) -> Identified:
    """Tell which project's network a checkpoint holds, and which variant.

    :param overrides: what the user says of what no tensor tells.
    :raises CheckpointError: when the layout is unknown, a setting is missing, or one contradicts
        what the file records.
    """
    for source in SOURCES:
        if source.matches(checkpoint):
            try:
                return source.identify(checkpoint, overrides or Overrides())
            except CheckpointError:
                raise
            except ValueError as error:
                raise CheckpointError(f'{checkpoint.path}: {error}') from error
    raise CheckpointError(
        f'{checkpoint.path}: expected a PSPNet of mmsegmentation, hszhao/semseg, '
        'segmentation_models_pytorch, the authors (by layer name) or `model train`; '
        f'its tensors are {listed(list(checkpoint.tensors))}'
    )


def load_network(
    path: Path, overrides: Overrides | None = None, *, trust: bool = False
) -> tuple[Network, Identified]:
    """Read a checkpoint and return its network in evaluation mode, for RGB images.

    :param trust: see `read_checkpoint`.
    :raises CheckpointError: when the file cannot be read, told or matched tensor by tensor.
    :raises OSError: when the file cannot be opened.
    """
    checkpoint = read_checkpoint(path, trust=trust)
    identified = identify(checkpoint, overrides)
    # What a file claims gets no memory before it is known to fit.
    with torch.device('meta'):
        network = build(identified.architecture, identified.classes)
    fill(network, checkpoint, identified)
    return network.eval(), identified


def fill(network: Network, checkpoint: Checkpoint, identified: Identified) -> None:
    """Copy a checkpoint's tensors into the network it was identified as.

    A network without memory (on torch's `meta` device) gets it once all is known to fit.

    :raises CheckpointError: listing every tensor that is missing, surplus, of a wrong shape or
        not finite; the network is then unchanged.
    """
    state: dict[str, Tensor] = network.state_dict()
    given = {
        ours: _flat(checkpoint.tensors[name], state.get(ours))
        for name, ours in identified.names.items()
    }
    _compare(checkpoint, identified, state, given)
    if identified.bgr:
        first = next(name for name, value in state.items() if value.dim() == 4)
        given[first] = given[first].flip(1)
    if any(value.is_meta for value in state.values()):
        state = network.to_empty(device='cpu').state_dict()
    with torch.no_grad():
        for name, value in state.items():
            value.copy_(given.get(name, torch.tensor(0)))


def _flat(tensor: Tensor, target: Tensor | None) -> Tensor:
    """Return a normalisation's [1, C, 1, 1], as Caffe has it, as [C]."""
    if target is not None and target.dim() == 1 and tensor.shape == (1, len(target), 1, 1):
        return tensor.flatten()
    return tensor


def _compare(
    checkpoint: Checkpoint,
    identified: Identified,
    state: dict[str, Tensor],
    given: dict[str, Tensor],
) -> None:
    wrong = [
        f'{name} is {list(given[ours].shape)}, expected {list(state[ours].shape)}'
        for name, ours in identified.names.items()
        if ours in state and given[ours].shape != state[ours].shape
    ]
    findings = {
        'missing': [n for n in state if n not in given and not n.endswith(_COUNTER)],
        'surplus': [name for name, ours in identified.names.items() if ours not in state],
        'of another shape': wrong,
    }
    if not wrong:
        findings['not finite'] = [
            name
            for name, ours in identified.names.items()
            if not bool(torch.isfinite(given[ours]).all())
        ]
    told = [f'{what}: {listed(names)}' for what, names in findings.items() if names]
    if told:
        raise CheckpointError(
            f'{checkpoint.path} is not the {identified.architecture.name} of {identified.source} '
            f'that it looks like: tensors {"; ".join(told)}'
        )
