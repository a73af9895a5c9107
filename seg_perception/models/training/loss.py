"""From frames and labels to the number that training lowers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.core.labels import UNLABELLED
from seg_perception.models.networks.network import Network


class Loss(nn.Module):
    """Cross-entropy of a network's labels, with its auxiliary head's beside it.

    :param auxiliary: weight of the auxiliary head's.
    :param class_weights: [classes]; None weighs all classes alike.
    :param amp: compute in float16 on CUDA, in bfloat16 on a CPU, where that is exact enough.
    """

    def __init__(
        self, network: Network, auxiliary: float, class_weights: Tensor | None, *, amp: bool
    ) -> None:
        super().__init__()
        self.network = network
        self._auxiliary = auxiliary
        self._amp = amp
        norm = network.architecture
        self._align_corners = norm.align_corners
        for name, value in (
            ('mean', torch.tensor(norm.mean).view(1, 3, 1, 1)),
            ('std', torch.tensor(norm.std).view(1, 3, 1, 1)),
            ('class_weights', class_weights),
        ):
            self.register_buffer(name, value, persistent=False)

    def pixels(self, truth: Tensor) -> Tensor:
        """Return how many pixels are labelled, each counted by its class's weight: a scalar."""
        labelled = truth != UNLABELLED
        if self.class_weights is None:
            return labelled.sum(dtype=torch.float32)
        counted: Tensor = self.class_weights[truth[labelled].long()].sum()
        return counted

    def forward(self, rgb: Tensor, truth: Tensor, pixels: Tensor) -> Tensor:
        """Return the loss, a scalar.

        :param rgb: uint8 [N, H, W, 3]; `truth`: trainIds, uint8 [N, H, W].
        :param pixels: what the sum over pixels is divided by.
        """
        image = (rgb.permute(0, 3, 1, 2).float() - self.mean) / self.std
        half = torch.float16 if rgb.is_cuda else torch.bfloat16
        with torch.autocast(rgb.device.type, half, enabled=self._amp):
            main, auxiliary = self.network(image.contiguous(memory_format=torch.channels_last))
        loss = self._entropy(main, truth)
        if auxiliary is not None:
            loss = loss + self._auxiliary * self._entropy(auxiliary, truth)
        return loss / pixels.clamp(min=1e-6)

    def _entropy(self, logits: Tensor, truth: Tensor) -> Tensor:
        size, corners = truth.shape[1:], self._align_corners
        fine = F.interpolate(logits.float(), size, mode='bilinear', align_corners=corners)
        return F.cross_entropy(
            fine, truth.long(), self.class_weights, ignore_index=UNLABELLED, reduction='sum'
        )
