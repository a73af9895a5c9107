"""Each published network gives the original implementation's logits, and labels every pixel alike.

What no tensor tells is then set wrongly, one thing at a time, and the difference has to show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seg_perception.core.finish import finish_reference
from seg_perception.models.checkpoints.detect import fill, identify
from seg_perception.models.networks.architecture import Architecture, architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network
from test.models.originals import CLASSES, PRESETS, Golden, golden, normalised

TOLERANCE = 1e-4
WRONG = 50 * TOLERANCE


class Features(nn.Module):
    """A backbone's features, known already."""

    def __init__(self, features: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.features = features

    def forward(self, _image: Tensor) -> tuple[Tensor, Tensor]:
        return self.features


@dataclass
class Loaded:
    original: Golden
    network: Network

    def logits(self, network: Network) -> npt.NDArray[np.float32]:
        told = network.architecture
        with torch.inference_mode():
            found = network(normalised(self.original.picture, told.mean, told.std))
        logits: npt.NDArray[np.float32] = found[0].numpy()
        return logits

    def labels(self, network: Network) -> npt.NDArray[np.uint8]:
        height, width = self.original.labels.shape
        corners = network.architecture.align_corners
        return finish_reference(self.logits(network), (width, height), corners)[0]

    @cached_property
    def features(self) -> Features:
        told = self.network.architecture
        with torch.inference_mode():
            image = normalised(self.original.picture, told.mean, told.std)
            return Features(self.network.backbone(image))

    def changed(self, **changes: Any) -> Network:
        """Return a network of the same weights and another architecture."""
        network = unfilled(replace(self.network.architecture, **changes))
        network.load_state_dict(self.network.state_dict(), assign=True)
        if 'dilation' not in changes:
            network.backbone = self.features
        network.eval()
        return network


def unfilled(told: Architecture) -> Network:
    """Return a network without values, and without the time that making some up takes."""
    with torch.device('meta'):
        return build(told, CLASSES)


@pytest.fixture(scope='module', params=PRESETS)
def loaded(request: pytest.FixtureRequest) -> Loaded:
    original = golden(request.param)
    checkpoint = original.checkpoint()
    identified = identify(checkpoint, original.overrides())
    assert identified.architecture == architecture(PRESETS[original.name])
    assert identified.classes == CLASSES
    network = unfilled(identified.architecture).to_empty(device='cpu')
    fill(network, checkpoint, identified)
    return Loaded(original, network.eval())


def test_it_is_the_original(loaded: Loaded) -> None:
    assert loaded.original.error(loaded.logits(loaded.network)) <= TOLERANCE
    assert len(np.unique(loaded.original.labels)) >= 3
    assert np.array_equal(loaded.labels(loaded.network), loaded.original.labels)


def test_folded_it_still_is(loaded: Loaded) -> None:
    height, width = loaded.original.picture.shape[:2]
    size = loaded.network.architecture.feature_size(height, width)
    network = loaded.changed()
    network.fix_size(*size, fold=True)
    assert loaded.original.error(loaded.logits(network)) <= TOLERANCE


def test_a_wrong_dilation_shows(loaded: Loaded) -> None:
    dilation = loaded.network.architecture.dilation
    other = {'contracted': 'full', 'full': 'contracted'}.get(dilation)
    wrong = loaded.changed(dilation=other or dilation)
    if other is None:
        dilate_last_block(wrong)
    assert loaded.original.error(loaded.logits(wrong)) > WRONG


def dilate_last_block(network: Any) -> None:
    """Dilate the last 3x3 convolution of a backbone that knows one dilation alone."""
    *_, last = (m for m in network.backbone.modules() if getattr(m, 'kernel_size', 0) == (3, 3))
    assert isinstance(last, nn.Conv2d)
    last.dilation = last.padding = (2 * last.dilation[0],) * 2


def test_wrong_corners_show(loaded: Loaded) -> None:
    told = loaded.network.architecture
    wrong = loaded.changed(align_corners=not told.align_corners)
    assert loaded.original.error(loaded.logits(wrong)) > WRONG
    assert not np.array_equal(loaded.labels(wrong), loaded.original.labels)


@pytest.mark.parametrize('concat', ['features_1236', 'features_6321', '1236_features'])
def test_a_wrong_order_shows(loaded: Loaded, concat: str) -> None:
    told = loaded.network.architecture
    error = loaded.original.error(loaded.logits(loaded.changed(concat=concat)))
    assert error <= TOLERANCE if concat == told.concat else error > WRONG
