"""Recipes: rates and lengths by their rules, and wrong values named as the option is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seg_perception.models.training.recipe import Recipe

RECIPE = Recipe(architecture='pspnet_r18_d8', datasets=('a',), shares=(1.0,))


def test_the_rate_falls_by_the_poly_rule() -> None:
    recipe = replace(RECIPE, learning_rate=0.01, iterations=100)
    assert recipe.rate(0) == 0.01
    assert recipe.rate(75) == pytest.approx(0.01 * 0.25**0.9)


def test_the_rate_ends_at_the_lowest() -> None:
    """OpenMMLab's rule: the fall is that of what lies above the lowest."""
    recipe = replace(RECIPE, learning_rate=0.01, lowest_rate=1e-4, iterations=80_000)
    assert recipe.rate(0) == 0.01
    assert recipe.rate(40_000) == pytest.approx((0.01 - 1e-4) * 0.5**0.9 + 1e-4)
    assert recipe.rate(79_999) == pytest.approx(1e-4, rel=0.01)


def test_no_power_no_fall() -> None:
    assert replace(RECIPE, power=0.0, iterations=10).rate(9) == 0.01


def test_epochs_tell_the_iterations() -> None:
    recipe = replace(RECIPE, epochs=200, batch=16)
    assert recipe.for_frames(2975).iterations == 200 * 185
    assert recipe.for_frames(5).iterations == 200
    assert RECIPE.for_frames(2975) is RECIPE


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        ({'width': 0}, '--width: expected at least 1, got 0'),
        ({'learning_rate': 0.0}, '--learning-rate: expected above 0, got 0.0'),
        ({'lowest_rate': -1.0}, '--lowest-rate: expected at least 0, got -1.0'),
        ({'scale': (2.0, 0.5)}, r'--scale: expected smallest above 0, then largest, got \(2.0'),
        ({'balance': 2.0}, '--balance: expected 0 to 1, got 2.0'),
        ({'largest_share': 0.0}, '--largest-share: expected above 0, to 1, got 0.0'),
        ({'optimizer': 'lion'}, '--optimizer: expected sgd or adamw, got lion'),
        ({'color': 'grey'}, '--color: expected camera or distortion or none, got grey'),
        ({'shares': (1.0, 2.0)}, r'--shares: expected 1 positive numbers, .*, got \[1.0, 2.0\]'),
        ({'shares': (0.0,)}, r'--shares: expected 1 positive numbers'),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(RECIPE, **change)
