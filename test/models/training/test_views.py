"""The stream of views: what it draws from, how often, and how classes are weighed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seg_perception.core.labels import LabelSet
from seg_perception.models.training.recipe import Recipe
from seg_perception.models.training.views import RandomViews
from test.models.conftest import write_frame


@pytest.fixture
def recipe(street: Path) -> Recipe:
    return Recipe('pspnet_lite0_d8', (str(street),), (1.0,), width=96, height=64, batch=2)


def test_an_item_depends_on_its_number_and_the_seed(recipe: Recipe, labels: LabelSet) -> None:
    one, two = RandomViews(recipe, labels), RandomViews(recipe, labels)
    other = RandomViews(replace(recipe, seed=1), labels)
    for index in (5, 0, 1000):
        assert all(torch.equal(a, b) for a, b in zip(one[index], two[index], strict=True))
        assert not torch.equal(one[index][0], other[index][0])
    rgb, truth = one[0]
    assert (rgb.shape, rgb.dtype) == ((64, 96, 3), torch.uint8)
    assert (truth.shape, truth.dtype) == ((64, 96), torch.uint8)


def test_each_frame_comes_once_an_epoch(recipe: Recipe, labels: LabelSet) -> None:
    views = RandomViews(recipe, labels)
    assert views.frames == 4
    orders = [[views._shuffled(0, 4 * epoch + place) for place in range(4)] for epoch in range(20)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len(Counter(map(tuple, orders))) > 10


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


def test_beyond_the_frame_is_the_networks_mean(recipe: Recipe, labels: LabelSet) -> None:
    """So that it is nothing to the network, as in the published recipes."""
    views = RandomViews(replace(recipe, scale=(0.5, 0.5), color='none'), labels)
    rgb, truth = views[0]
    beyond = torch.nn.functional.max_pool2d((truth != 255)[None].float(), 5, 1, 2)[0] == 0
    assert beyond.float().mean() > 0.3
    assert (rgb[beyond] == 127).all()


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
