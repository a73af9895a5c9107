"""Training: it learns, resumes as if never stopped, and says what is wrong with a recipe."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from seg_perception.core.labels import load_label_set
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.training.checkpoint import Run, load_checkpoint
from seg_perception.models.training.recipe import Recipe
from seg_perception.models.training.start import build
from seg_perception.models.training.train import train
from seg_perception.models.training.views import RandomViews


@pytest.fixture
def recipe(street: Path) -> Recipe:
    return Recipe(
        architecture='pspnet_lite0_d8',
        datasets=(str(street),),
        shares=(1.0,),
        width=96,
        height=64,
        iterations=4,
        batch=2,
        optimizer='adamw',
        learning_rate=1e-3,
        scale=(1.0, 1.3),
        freeze_early=True,
    )


def test_it_learns_the_street(recipe: Recipe, tmp_path: Path) -> None:
    """Thirty steps on four frames of three flat colours are enough to tell them apart."""
    path = train(replace(recipe, iterations=30, learning_rate=2e-3), tmp_path)
    network, kept = load_checkpoint(path)
    assert kept['iteration'] == 30
    assert kept['architecture'] == 'pspnet_lite0_d8'
    views = RandomViews(replace(recipe, seed=9), load_label_set())
    norm = architecture('pspnet_lite0_d8')
    right = total = 0
    for index in range(6):
        rgb, truth = views[index]
        x = (rgb.permute(2, 0, 1)[None].float() - torch.tensor(norm.mean).view(1, 3, 1, 1)) / 128
        with torch.inference_mode():
            logits = torch.nn.functional.interpolate(network(x), truth.shape, mode='bilinear')
        known = truth != 255
        right += int((logits.argmax(1)[0] == truth)[known].sum())
        total += int(known.sum())
    assert right / total > 0.8


class StoppedError(Exception):
    """What ends a run in the middle."""


def test_a_resumed_run_goes_the_same_way(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = train(recipe, tmp_path / 'straight')
    save = Run.save

    def save_and_stop(*arguments: Any) -> None:
        save(*arguments)
        raise StoppedError

    monkeypatch.setattr(Run, 'save', save_and_stop)
    with pytest.raises(StoppedError):
        train(recipe, tmp_path / 'stopped', save_every=2)
    monkeypatch.undo()
    resumed = train(recipe, tmp_path / 'stopped', resume=True)
    one, two = (torch.load(path, weights_only=True) for path in (straight, resumed))
    assert one['iteration'] == two['iteration'] == 4
    # Dropout draws differ after a resume; views, schedule and optimizer state do not.
    name = 'backbone._blocks.0._bn1.running_mean'
    assert torch.equal(one['network'][name], two['network'][name])
    assert one['optimizer']['param_groups'][0]['lr'] == two['optimizer']['param_groups'][0]['lr']
    assert one['optimizer']['state'][0]['step'] == two['optimizer']['state'][0]['step'] == 4


def test_frozen_layers_stay_as_they_were(recipe: Recipe, tmp_path: Path) -> None:
    network, _ = load_checkpoint(train(recipe, tmp_path))
    fresh = build(recipe, 19)
    for name, value in fresh.state_dict().items():
        trained = network.state_dict()[name]
        if name.startswith(('backbone._conv_stem', 'backbone._bn0', 'backbone._blocks.2.')):
            assert torch.equal(value, trained), name
        elif name.endswith('_project_conv.weight') and 'blocks.8' in name:
            assert not torch.equal(value, trained), name


def test_the_rate_of_the_last_step(recipe: Recipe, tmp_path: Path) -> None:
    state = torch.load(train(recipe, tmp_path), weights_only=True)
    rates = [group['lr'] for group in state['optimizer']['param_groups']]
    assert rates == pytest.approx([recipe.rate(3), 10 * recipe.rate(3)])


@pytest.fixture
def segnet(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        architecture='segnet_small',
        pretrained=False,
        freeze_early=False,
        optimizer='sgd',
        learning_rate=0.01,
        iterations=2,
    )


def test_mixed_precision_goes_nearly_the_same_way(segnet: Recipe, tmp_path: Path) -> None:
    torch.manual_seed(segnet.seed)
    start = build(segnet, 19).classifier.weight.detach()
    changes = []
    for amp in (False, True):
        network, kept = load_checkpoint(train(replace(segnet, amp=amp), tmp_path / str(amp)))
        assert kept['amp'] is amp
        assert network.classifier.weight.dtype == torch.float32
        changes.append((network.classifier.weight.detach() - start).flatten())
    assert not torch.equal(*changes)
    assert torch.cosine_similarity(*changes, dim=0) > 0.95
    assert (changes[1].norm() / changes[0].norm()).item() == pytest.approx(1, abs=0.1)


def test_a_compiled_run_goes_the_same_way(
    segnet: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captured as for the compiler; making machine code of it would take minutes."""
    capture = partial(torch.compile, backend='eager')
    plain = train(segnet, tmp_path / 'plain')
    monkeypatch.setattr(torch, 'compile', capture)
    compiled = train(segnet, tmp_path / 'compiled', compiled=True)
    one, two = (torch.load(path, weights_only=True)['network'] for path in (plain, compiled))
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_a_loss_that_is_no_number(recipe: Recipe, tmp_path: Path) -> None:
    wild = replace(recipe, optimizer='sgd', learning_rate=1e30, clip=0.0)
    with pytest.raises(
        ValueError, match=r'the loss became \w+ at iteration \d; lower --learning-r'
    ):
        train(wild, tmp_path)
