"""Training: it learns, resumes as if never stopped, and says what is wrong with a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seg_perception.core.labels import LabelSet
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.training import train as training
from seg_perception.models.training.train import (
    RandomViews,
    Recipe,
    build,
    load_checkpoint,
    train,
)
from test.models.conftest import write_frame


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
    path = train(replace(recipe, iterations=30, head_factor=5.0), tmp_path)
    network, kept = load_checkpoint(path)
    assert kept['iteration'] == 30
    assert kept['architecture'] == 'pspnet_lite0_d8'
    views = RandomViews(replace(recipe, seed=9), _labels())
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
    save = training._save

    def save_and_stop(*arguments: Any) -> None:
        save(*arguments)
        raise StoppedError

    monkeypatch.setattr(training, '_save', save_and_stop)
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


def test_the_rate_falls_by_the_poly_rule(recipe: Recipe, tmp_path: Path) -> None:
    state = torch.load(train(recipe, tmp_path), weights_only=True)
    rates = [group['lr'] for group in state['optimizer']['param_groups']]
    expected = 1e-3 * (1 - 3 / 4) ** 0.9
    assert rates == pytest.approx([expected, 10 * expected])


def test_shares_choose_between_datasets(
    recipe: Recipe, street: Path, tmp_path: Path, labels: LabelSet
) -> None:
    write_frame(
        tmp_path,
        'train',
        'a_0_0',
        np.full((64, 96), 8, np.uint8),
        labels=labels,
        annotation='gtExtra',
    )
    both = replace(
        recipe, datasets=(str(street), f'{tmp_path}@gtExtra'), shares=(1.0, 3.0), scale=(1.0, 1.01)
    )
    views = RandomViews(both, labels)
    second = sum(bool((views[index][1] == 8).any()) for index in range(80))
    assert 45 <= second <= 72


def test_balance_weighs_rare_classes_up(recipe: Recipe, labels: LabelSet) -> None:
    views = RandomViews(recipe, labels)
    weights = views.class_weights(19, 0.5)
    road, car, bus = (labels.train_id(name) for name in ('road', 'car', 'bus'))
    counts = np.zeros(19)
    for index in range(4):
        counts += np.bincount(views.folders[0].truth(index).ravel(), minlength=256)[:19]
    assert weights[car] / weights[road] == pytest.approx((counts[road] / counts[car]) ** 0.5)
    assert weights[bus] == 0
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)


def test_no_pretrained_weights_says_so(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'pspnet_r18_d8 has no pretrained .*--from-scratch'):
        train(replace(recipe, architecture='pspnet_r18_d8'), tmp_path)


def test_unknown_optimizer(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no optimizer 'lion'; known are sgd and adamw"):
        train(replace(recipe, optimizer='lion'), tmp_path)


def test_what_is_not_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / 'last.pt'
    path.write_bytes(b'not a checkpoint')
    with pytest.raises(ValueError, match=r'is not a checkpoint of `model train`'):
        load_checkpoint(path)
    torch.save({'recipe': {}}, path)
    with pytest.raises(ValueError, match='keys are missing'):
        load_checkpoint(path)


def _labels() -> LabelSet:
    from seg_perception.core.labels import load_label_set

    return load_label_set()
