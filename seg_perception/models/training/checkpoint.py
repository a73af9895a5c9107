"""Checkpoints of a training run: what it needs to go on, and what an export needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from seg_perception.core.labels import load_label_set
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network
from seg_perception.models.training.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """What changes from step to step, and the recipe it changes by."""

    recipe: Recipe
    network: Network
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def save(self, path: Path, done: int) -> None:
        """Write the state after `done` iterations.

        :raises OSError: when the file cannot be written.
        """
        # Written beside and renamed: a run killed while saving keeps its last checkpoint.
        draft = path.with_suffix('.part')
        torch.save(
            {
                'recipe': asdict(self.recipe),
                'iteration': done,
                'network': self.network.state_dict(),
                'optimizer': self.optimizer.state_dict(),
                'scaler': self.scaler.state_dict(),
            },
            draft,
        )
        draft.replace(path)

    def restore(self, path: Path) -> int:
        """Take up the state of a checkpoint; returns how many iterations are done.

        :raises ValueError: when the file is no checkpoint, or one of another architecture.
        """
        state = _read(path)
        found = state['recipe']['architecture']
        if found != self.recipe.architecture:
            raise ValueError(
                f'{path}: expected a checkpoint of {self.recipe.architecture} to go on from, got '
                f'one of {found}; choose another --output'
            )
        self.network.load_state_dict(state['network'])
        self.optimizer.load_state_dict(state['optimizer'])
        # Runs without a scaler have an empty state, those of older releases none.
        if state.get('scaler'):
            self.scaler.load_state_dict(state['scaler'])
        return int(state['iteration'])


def load_checkpoint(path: Path) -> tuple[Network, dict[str, Any]]:
    """Read a checkpoint: the network in evaluation mode and the recipe it came from.

    :raises ValueError: when the file is not a checkpoint of `model train`.
    """
    state = _read(path)
    recipe: dict[str, Any] = state['recipe']
    labels = load_label_set(recipe['label_set'])
    network = build(architecture(recipe['architecture']), len(labels.labels))
    network.load_state_dict(state['network'])
    return network.eval(), {**recipe, 'iteration': state['iteration']}


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:
        raise ValueError(f'{path} is not a checkpoint of `model train`: {error}') from error
    if not isinstance(state, dict) or not {'recipe', 'iteration', 'network'} <= set(state):
        raise ValueError(f'{path} is not a checkpoint of `model train`: keys are missing')
    return state
