"""What the readers of the checkpoint layouts share.

Each file beside this one knows the layout of one project: how its tensors are called, what of an
architecture follows from that, and what has to be recorded or said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError, listed
from seg_perception.models.networks.architecture import ARCHITECTURES, Architecture

Value = TypeVar('Value')

CITYSCAPES_TERMS = 'Cityscapes terms of use (research and other non-commercial purposes)'

_RESNETS = {(2, False): 'resnet18', (6, True): 'resnet50', (23, True): 'resnet101'}


@dataclass(frozen=True)
class Overrides:
    """What a user says of a network that its tensors do not tell; None: not said."""

    align_corners: bool | None = None
    output_stride: int | None = None
    dilation: str | None = None


@dataclass(frozen=True)
class Credit:
    """Where weights come from and on what terms, as far as it is known; '' where it is not."""

    trained_on: str = ''
    weights_license: str = ''
    data_license: str = ''


@dataclass(frozen=True)
class Identified:
    """What a checkpoint is.

    :param source: the project whose layout it has.
    :param names: its tensors' names, and the parameters of our network they belong to.
    :param left_out: its tensors that are known and not needed.
    :param bgr: the network was trained on blue-green-red images.
    :param class_names: of the labels in order, where the file records them.
    """

    source: str
    architecture: Architecture
    classes: int
    names: Mapping[str, str]
    left_out: tuple[str, ...]
    bgr: bool = False
    class_names: tuple[str, ...] = ()
    credit: Credit = Credit()


class Source(Protocol):
    """A module that knows one layout."""

    def matches(self, checkpoint: Checkpoint) -> bool:
        """Tell by its names whether a checkpoint has this layout."""

    def identify(self, checkpoint: Checkpoint, overrides: Overrides) -> Identified:
        """Tell what it is; raises CheckpointError when that cannot be told."""


def shape_of(checkpoint: Checkpoint, name: str) -> tuple[int, ...]:
    """Return the shape of a convolution's weight that the layout must have.

    :raises CheckpointError: when it is missing, or no such weight.
    """
    tensor = checkpoint.tensors.get(name)
    if tensor is None:
        raise CheckpointError(f'{checkpoint.path}: the tensor {name} is missing')
    shape = tuple(tensor.shape)
    if len(shape) != 4 or not all(shape):
        raise CheckpointError(
            f'{checkpoint.path}: {name}: expected the weight of a convolution, got {list(shape)}'
        )
    return shape


def resnet(checkpoint: Checkpoint, third_stage: str, last_convolution: str) -> str:
    """Return the name of a ResNet, from the blocks of its third stage.

    :param third_stage: a pattern for names in it, with the block's number as a group.
    :param last_convolution: the name of the tensor that bottlenecks alone have.
    :raises CheckpointError: when it is none of the known ones.
    """
    found = (re.match(third_stage, name) for name in checkpoint.tensors)
    blocks = len({match[1] for match in found if match})
    bottlenecks = last_convolution in checkpoint.tensors
    if (blocks, bottlenecks) not in _RESNETS:
        kind = 'bottlenecks' if bottlenecks else 'basic blocks'
        known = ', '.join(f'{name} with {count}' for (count, _), name in _RESNETS.items())
        raise CheckpointError(
            f'{checkpoint.path}: a backbone with {blocks} {kind} in its third stage is not '
            f'known; known are {known}'
        )
    return _RESNETS[blocks, bottlenecks]


def rename(
    checkpoint: Checkpoint,
    ours: Callable[[str], str | None],
    left_out: Sequence[str] = (),
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give every tensor the name of our parameter.

    :param ours: returns that name, None when it does not know the tensor's.
    :param left_out: patterns of names that are known and not needed.
    :returns: our names by the checkpoint's, and the names left out.
    :raises CheckpointError: listing names that are unknown or mean the same tensor.
    """
    dropped = [n for n in checkpoint.tensors if any(re.fullmatch(p, n) for p in left_out)]
    names = {name: ours(name) for name in checkpoint.tensors if name not in set(dropped)}
    unknown = [name for name, found in names.items() if found is None]
    if unknown:
        raise CheckpointError(f'{checkpoint.path}: unknown tensors: {listed(unknown)}')
    known = {name: found for name, found in names.items() if found}
    if len(set(known.values())) < len(known):
        counts = Counter(known.values())
        double = [name for name, found in known.items() if counts[found] > 1]
        raise CheckpointError(f'{checkpoint.path}: tensors given twice: {listed(double)}')
    return known, tuple(dropped)


def by_rules(*rules: tuple[str, str]) -> Callable[[str], str | None]:
    """Return a function for `rename`: (pattern of the whole name, template); the first counts."""

    def ours(name: str) -> str | None:
        matches = ((re.fullmatch(pattern, name), template) for pattern, template in rules)
        return next((match.expand(template) for match, template in matches if match), None)

    return ours


def settle(
    checkpoint: Checkpoint, option: str, said: Value | None, recorded: Value | None, where: str
) -> Value | None:
    """Return a setting that no tensor tells; None when it is neither said nor recorded.

    :param option: the command's option for it.
    :param where: what `recorded` was read from.
    :raises CheckpointError: when what is said contradicts what is recorded.
    """
    if said is not None and recorded is not None and said != recorded:
        raise CheckpointError(
            f'{checkpoint.path}: {option} {_word(said)} contradicts {where}, {_word(recorded)}; '
            f'leave {option} out'
        )
    return recorded if said is None else said


def fixed(
    checkpoint: Checkpoint,
    overrides: Overrides,
    *,
    align_corners: bool,
    output_stride: int,
    dilation: str,
) -> None:
    """Check options against what all networks of a layout have.

    :raises CheckpointError: when one contradicts it.
    """
    where = 'what networks of this layout have'
    settle(checkpoint, '--align-corners', overrides.align_corners, align_corners, where)
    settle(checkpoint, '--output-stride', overrides.output_stride, output_stride, where)
    settle(checkpoint, '--dilation', overrides.dilation, dilation, where)


def named(architecture: Architecture) -> Architecture:
    """Give an architecture the name under which it is known, if it is."""
    for preset in ARCHITECTURES.values():
        same = replace(architecture, name=preset.name, auxiliary_channels=preset.auxiliary_channels)
        if same == preset:
            return replace(architecture, name=preset.name)
    return architecture


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
