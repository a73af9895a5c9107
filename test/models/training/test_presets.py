"""Presets: the published numbers, and options that go before them."""

from __future__ import annotations

import argparse

import pytest

from seg_perception.models.commands import train
from seg_perception.models.training.presets import PRESETS, preset
from seg_perception.models.training.recipe import Recipe


def recipe_of(*words: str) -> Recipe:
    parser = argparse.ArgumentParser()
    train.add(parser.add_subparsers())
    return train._recipe(parser.parse_args(['train', '--dataset', 'a', '--output', 'b', *words]))


@pytest.mark.parametrize('name', PRESETS)
def test_every_preset_is_a_recipe(name: str) -> None:
    recipe = recipe_of('--preset', name)
    assert recipe == Recipe('pspnet_lite0_d8', ('a',), (1.0,), **preset(name))


def test_light_is_the_default() -> None:
    assert recipe_of() == recipe_of('--preset', 'light')
    assert recipe_of() == Recipe('pspnet_lite0_d8', ('a',), (1.0,))


def test_what_the_published_recipes_say() -> None:
    paper, mmseg, semseg = (recipe_of('--preset', name) for name in ('paper', 'mmseg', 'semseg'))
    for recipe in (paper, mmseg, semseg):
        assert (recipe.optimizer, recipe.learning_rate, recipe.power) == ('sgd', 0.01, 0.9)
        assert (recipe.scale, recipe.own_pixels, recipe.stretch) == ((0.5, 2.0), True, 1.0)
        assert (recipe.auxiliary, recipe.clip) == (0.4, 0.0)
    assert (paper.batch, paper.iterations, paper.weight_decay) == (16, 90_000, 1e-4)
    assert (paper.width, paper.height, paper.color) == (713, 713, 'none')
    assert (mmseg.batch, mmseg.iterations, mmseg.weight_decay) == (8, 80_000, 5e-4)
    assert (mmseg.width, mmseg.height, mmseg.lowest_rate) == (1024, 512, 1e-4)
    assert (mmseg.largest_share, mmseg.color, mmseg.head_factor) == (0.75, 'distortion', 1.0)
    assert (semseg.epochs, semseg.head_factor, semseg.width) == (200, 10.0, 713)
    assert (semseg.rotation, semseg.blur) == (10.0, 0.5)


def test_options_go_before_the_preset() -> None:
    recipe = recipe_of(
        '--preset', 'mmseg', '--iterations', '40000', '--auxiliary', '0', '--scale', '1', '3'
    )  # fmt: skip
    assert (recipe.iterations, recipe.auxiliary, recipe.scale) == (40_000, 0.0, (1.0, 3.0))
    assert (recipe.batch, recipe.weight_decay) == (8, 5e-4)
    assert recipe.own_pixels is True
    assert recipe_of('--preset', 'mmseg', '--no-own-pixels').own_pixels is False


def test_iterations_go_before_a_presets_epochs() -> None:
    recipe = recipe_of('--preset', 'semseg', '--iterations', '50')
    assert recipe.for_frames(2975).iterations == 50
    assert recipe_of('--preset', 'semseg').for_frames(2975).iterations == 37_000


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(ValueError, match="no preset 'best'; known are light, paper, mmseg, sem"):
        preset('best')
