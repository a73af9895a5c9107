"""The loss: cross-entropy over labelled pixels at their size, the auxiliary head's beside it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network
from seg_perception.models.training.loss import Loss


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    network = build(architecture('pspnet_lite0_d8'), 5)
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout2d):
            module.p = 0.0
    return network


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    rgb = torch.randint(0, 256, (2, 64, 96, 3), generator=generator, dtype=torch.uint8)
    truth = torch.randint(0, 5, (2, 64, 96), generator=generator, dtype=torch.uint8)
    truth[:, :20] = 255
    return rgb, truth


@pytest.mark.parametrize('weighed', [False, True])
def test_it_is_the_mean_over_labelled_pixels(
    network: Network, batch: tuple[Tensor, Tensor], weighed: bool
) -> None:
    rgb, truth = batch
    weights = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]) if weighed else None
    loss = Loss(network, 0.4, weights, amp=False)
    found = loss(rgb, truth, loss.pixels(truth))
    main, auxiliary = network((rgb.permute(0, 3, 1, 2).float() - 127) / 128)
    one, two = (
        F.cross_entropy(
            F.interpolate(logits, (64, 96), mode='bilinear'),
            truth.long(),
            weights,
            ignore_index=255,
        )
        for logits in (main, auxiliary)
    )
    torch.testing.assert_close(found, one + 0.4 * two)


def test_a_batch_without_labels_teaches_nothing(
    network: Network, batch: tuple[Tensor, Tensor]
) -> None:
    rgb, truth = batch[0], torch.full_like(batch[1], 255)
    loss = Loss(network, 0.4, None, amp=False)
    assert loss(rgb, truth, loss.pixels(truth)).item() == 0


def test_mixed_precision_is_near(network: Network, batch: tuple[Tensor, Tensor]) -> None:
    rgb, truth = batch
    full, mixed = (Loss(network, 0.4, None, amp=amp) for amp in (False, True))
    seen = []
    network.classifier.register_forward_hook(lambda _m, _i, out: seen.append(out.dtype))
    values = [loss(rgb, truth, loss.pixels(truth)).item() for loss in (full, mixed)]
    assert seen == [torch.float32, torch.bfloat16]
    assert values[1] == pytest.approx(values[0], rel=0.02)


def test_a_network_without_auxiliary_head(batch: tuple[Tensor, Tensor]) -> None:
    rgb, truth = batch
    network = build(architecture('segnet_small'), 5).train()
    loss = Loss(network, 0.4, None, amp=False)
    logits, _ = network((rgb.permute(0, 3, 1, 2).float() - loss.mean) / loss.std)
    expected = F.cross_entropy(logits, truth.long(), ignore_index=255)
    torch.testing.assert_close(loss(rgb, truth, loss.pixels(truth)), expected)
