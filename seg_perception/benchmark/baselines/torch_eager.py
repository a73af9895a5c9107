"""The plain path in torch: eager mode, OpenCV and numpy around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from seg_perception.benchmark.baselines.torch_graph import TorchGraph
from seg_perception.core.contract import ModelContract
from seg_perception.inference.base import ModelError
from seg_perception.models.networks.architecture import Architecture
from seg_perception.models.networks.build import build

Image = npt.NDArray[np.uint8]


class TorchEager:
    """Labels images with the network of a contract file.

    :param device: `cpu` or `cuda`.
    :param half: FP16, on `cuda` only.
    :param published: run the network as it is trained and published (adaptive pooling, batch
        normalisation, nothing folded), with random weights, instead of the file's own operators.
    :raises ModelError: when torch cannot run it there.
    """

    def __init__(
        self,
        path: Path,
        contract: ModelContract,
        *,
        device: str,
        half: bool = False,
        published: bool = False,
    ) -> None:
        if device == 'cuda' and not torch.cuda.is_available():
            raise ModelError(f'torch {torch.__version__}: expected a GPU by CUDA, got none')
        self._contract = contract
        self._device = device
        self._half = half
        self._network = _published(contract) if published else TorchGraph(path)
        self._network.to(device).eval()
        if half:
            self._network.half()
        torch.backends.cudnn.benchmark = True

    @torch.inference_mode()
    def label(self, rgb: Image) -> Image:
        """Return the label, uint8 [h, w], of an RGB image, uint8 [H, W, 3] at network size."""
        image = torch.from_numpy(rgb)[None].to(self._device)
        logits = self._network(image)
        width, height = self._contract.label_size
        large = F.interpolate(
            logits, (height, width), mode='bilinear', align_corners=self._contract.align_corners
        )
        label: Image = large.argmax(1)[0].to(torch.uint8).cpu().numpy()
        return label


def _published(contract: ModelContract) -> torch.nn.Module:
    architecture = Architecture.from_config(contract.architecture, contract.configuration)
    return _Normalised(build(architecture, len(contract.labels)), architecture)


class _Normalised(torch.nn.Module):
    """A network that takes uint8 [N, H, W, 3]."""

    def __init__(self, network: torch.nn.Module, architecture: Architecture) -> None:
        super().__init__()
        self.network = network
        self.register_buffer('mean', torch.tensor(architecture.mean).view(1, 3, 1, 1))
        self.register_buffer('std', torch.tensor(architecture.std).view(1, 3, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits [N, C, h, w]."""
        planes = image.permute(0, 3, 1, 2).to(self.mean.dtype)
        logits: torch.Tensor = self.network((planes - self.mean) / self.std)
        return logits
