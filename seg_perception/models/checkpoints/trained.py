"""The checkpoints of this package's own `model train`."""

from __future__ import annotations

from collections.abc import Mapping

from seg_perception.core.labels import load_label_set
from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.checkpoints.source import Identified, Overrides, fixed
from seg_perception.models.networks.architecture import architecture


def matches(checkpoint: Checkpoint) -> bool:
    """Tell by its record whether `model train` wrote a checkpoint."""
    return isinstance(checkpoint.meta.get('recipe'), Mapping)


def identify(checkpoint: Checkpoint, overrides: Overrides) -> Identified:
    """Tell what a checkpoint is, by the recipe it carries.

    :raises CheckpointError: when the recipe names no known architecture, or an option contradicts.
    :raises LabelError: when its label set is not here.
    """
    recipe = checkpoint.meta['recipe']
    try:
        found = architecture(str(recipe.get('architecture')))
    except ValueError as error:
        raise CheckpointError(f'{checkpoint.path}: its recipe names {error}') from error
    fixed(
        checkpoint,
        overrides,
        align_corners=found.align_corners,
        output_stride=found.backbone_stride,
        dilation=found.dilation,
    )
    return Identified(
        source='seg_perception model train',
        architecture=found,
        classes=len(load_label_set(str(recipe.get('label_set'))).labels),
        names={name: name for name in checkpoint.tensors},
        left_out=(),
    )
