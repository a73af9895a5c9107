"""Checkpoints: of today's and older runs, and what is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.training.checkpoint import Run, load_checkpoint
from seg_perception.models.training.recipe import Recipe

RECIPE = Recipe('segnet_small', ('a',), (1.0,), iterations=9)


def run_of(recipe: Recipe) -> Run:
    network = build(architecture(recipe.architecture), 19)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.9)
    return Run(recipe, network, optimizer, torch.amp.GradScaler('cpu', enabled=False))


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / 'last.pt'
    one, two = run_of(RECIPE), run_of(RECIPE)
    one.optimizer.param_groups[0]['lr'] = 0.25
    one.save(path, 7)
    assert [file.name for file in tmp_path.iterdir()] == ['last.pt']
    assert two.restore(path) == 7
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, two.network.state_dict()[name]), name
    assert two.optimizer.param_groups[0]['lr'] == 0.25
    network, kept = load_checkpoint(path)
    assert not network.training
    assert (kept['architecture'], kept['iterations'], kept['iteration']) == ('segnet_small', 9, 7)


def test_the_scalers_state_comes_back(tmp_path: Path) -> None:
    path = tmp_path / 'last.pt'
    one, two = (
        replace(run_of(RECIPE), scaler=torch.amp.GradScaler('cpu', init_scale=scale))
        for scale in (64.0, 2.0)
    )
    one.save(path, 1)
    two.restore(path)
    assert two.scaler.state_dict()['scale'] == 64


def test_checkpoints_of_the_first_release_are_read(tmp_path: Path) -> None:
    """Their recipes had fewer entries, and they kept no scaler."""
    path = tmp_path / 'last.pt'
    run = run_of(RECIPE)
    run.save(path, 3)
    state = torch.load(path, weights_only=True)
    del state['scaler']
    first = 'architecture datasets shares label_set width height iterations batch optimizer seed'
    state['recipe'] = {name: state['recipe'][name] for name in first.split()}
    torch.save(state, path)
    assert run.restore(path) == 3
    assert load_checkpoint(path)[1]['iteration'] == 3


def test_another_architecture_is_not_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / 'last.pt'
    run_of(RECIPE).save(path, 1)
    other = run_of(replace(RECIPE, architecture='pspnet_r18_d8'))
    with pytest.raises(ValueError, match='of pspnet_r18_d8 to go on from, got one of segnet_small'):
        other.restore(path)


def test_what_is_not_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / 'last.pt'
    path.write_bytes(b'not a checkpoint')
    with pytest.raises(ValueError, match=r'is not a checkpoint of `model train`'):
        load_checkpoint(path)
    torch.save({'recipe': {}}, path)
    with pytest.raises(ValueError, match='keys are missing'):
        load_checkpoint(path)
