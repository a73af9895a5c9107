from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seg_perception.models.checkpoints.detect import identify, load_network
from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build

NAME = 'segnet_small'


def saved(path: Path, recipe: dict[str, object]) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    state: dict[str, torch.Tensor] = build(architecture(NAME), 11).state_dict()
    torch.save({'recipe': recipe, 'iteration': 2, 'network': state, 'optimizer': {}}, path)
    return state


def test_a_checkpoint_of_our_training(tmp_path: Path) -> None:
    path = tmp_path / 'last.pt'
    state = saved(path, {'architecture': NAME, 'label_set': 'camvid'})
    network, found = load_network(path)
    assert found.architecture == architecture(NAME)
    assert found.source == 'seg_perception model train'
    assert found.classes == 11
    assert all(torch.equal(v, state[name]) for name, v in network.state_dict().items())


def test_options_may_only_agree() -> None:
    recipe = {'recipe': {'architecture': NAME, 'label_set': 'camvid'}}
    whole = Checkpoint(Path('last.pt'), {'a': torch.zeros(1)}, recipe)
    with pytest.raises(CheckpointError, match='--align-corners true contradicts'):
        identify(whole, Overrides(align_corners=True))
    other = replace(whole, meta={'recipe': {'architecture': 'pspnet_r9'}})
    with pytest.raises(CheckpointError, match="its recipe names no architecture 'pspnet_r9'"):
        identify(other)
