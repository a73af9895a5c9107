"""Networks that know nothing of the contract, as ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.core.finish import Finisher
from seg_perception.core.labels import load_label_set
from seg_perception.models.export.foreign import About, Preparation

LABELS = load_label_set('camvid')
CLASSES = len(LABELS.labels)
ABOUT = About('net', 'three convolutions', 'noise', 'none', 'none')
IMAGENET = Preparation(
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
    channel_order='rgb',
    align_corners=False,
)


class Net(nn.Module):
    """A small network of a stride, with what exporters trip over: norm, pooling, a resize."""

    def __init__(self, stride: int = 8, *, align_corners: bool = False) -> None:
        super().__init__()
        torch.manual_seed(stride)
        self.stride, self.align_corners = stride, align_corners
        self.first = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 16, 3, stride=4, padding=1)
        self.last = nn.Conv2d(32, CLASSES, 1)
        nn.init.normal_(self.last.weight)

    def features(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.first(x)))
        x = F.relu(self.second(x))
        pooled = x.mean(dim=(2, 3), keepdim=True).expand_as(x)
        return torch.cat([x, pooled], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(self.features(x))
        if self.stride == 8:
            return logits
        factor = 8 // self.stride
        return F.interpolate(
            logits, scale_factor=factor, mode='bilinear', align_corners=self.align_corners
        )


class Labels(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).argmax(dim=1)


class Probabilities(Net):
    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(self.features(x))
        shares = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
        return shares if self.stride == 8 else F.interpolate(logits.softmax(dim=1), scale_factor=2)


class Several(Net):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x), self.features(x)


class FixedBatch(Net):
    """As exporters write it that put the example's batch into the graph."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return logits.reshape(1, CLASSES, 8, 12)


class ChannelsLast(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def export(
    path: Path,
    network: nn.Module,
    *,
    dynamic: bool = False,
    example: Tensor | None = None,
    opset: int = 17,
) -> Path:
    example = torch.zeros(1, 3, 64, 96) if example is None else example
    axes = {0: 'batch', 2: 'height', 3: 'width'} if dynamic else {}
    torch.onnx.export(
        network.eval(),
        (example,),
        str(path),
        dynamo=False,
        input_names=['x'],
        dynamic_axes={'x': axes},
        opset_version=opset,
    )
    return path


def torch_label(network: Net, image: np.ndarray, preparation: Preparation) -> np.ndarray:
    """Return the label of an RGB image [H, W, 3] by torch and the package's own finish."""
    values = image[..., ::-1] if preparation.channel_order == 'bgr' else image
    x = (values - np.array(preparation.mean)) / preparation.std
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(x.transpose(2, 0, 1)[None].astype(np.float32)))[0]
    size = (image.shape[1], image.shape[0])
    finish = Finisher(CLASSES, logits.shape[:0:-1], size, preparation.align_corners)
    return finish(logits.numpy(), want_confidence=False)[0]
