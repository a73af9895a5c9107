"""The outputs of the original implementations in `goldens/`, and what they were made from."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seg_perception.models.checkpoints.read import Checkpoint
from seg_perception.models.checkpoints.source import Overrides
from test.models.seeded_weights import seeded_picture, seeded_tensor

FOLDER = Path(__file__).parent / 'goldens'
SAMPLES = 512
CLASSES = 19

PRESETS = {
    **{f'mmseg_r{depth}': f'pspnet_r{depth}_d8' for depth in ('18', '18b', '50', '50b')},
    **{f'mmseg_r{depth}': f'pspnet_r{depth}_d8' for depth in ('101', '101b')},
    **{f'mmseg_r{depth}_769': f'pspnet_r{depth}_d8_769' for depth in ('18', '18b', '50', '50b')},
    **{f'mmseg_r{depth}_769': f'pspnet_r{depth}_d8_769' for depth in ('101', '101b')},
    **{f'mmseg_r{depth}_d32': f'pspnet_r{depth}_d32' for depth in ('50', '50b')},
    'mmseg_mv2': 'pspnet_mv2_d8',
    'semseg_r50': 'pspnet_semseg_r50',
    'semseg_r101': 'pspnet_semseg_r101',
    'smp_r18': 'smp_pspnet_r18',
    'smp_r50': 'smp_pspnet_r50',
}
"""For each case the architecture it has to be identified as."""


@dataclass(frozen=True)
class Golden:
    """One case.

    `samples` are values of the original's logits of `shape`, evenly spread over them all;
    `labels` are its labels at the picture's size, by its own up-sampling.
    """

    name: str
    picture: npt.NDArray[np.uint8]
    shape: tuple[int, int, int]
    samples: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]

    def error(self, logits: npt.NDArray[np.float32]) -> float:
        """Return the largest difference to the original's logits, relative to their largest."""
        assert logits.shape == self.shape
        places = np.arange(SAMPLES) * (logits.size - 1) // (SAMPLES - 1)
        difference = np.abs(logits.ravel()[places] - self.samples).max()
        return float(difference / np.abs(self.samples).max())

    def checkpoint(self) -> Checkpoint:
        """Return the tensors that the original was filled with, under its own names."""
        network = self.name.removesuffix('_769').removesuffix('_d32')
        tensors = {
            name: torch.from_numpy(seeded_tensor(name, shape))
            for name, shape in _originals()['tensors'][network].items()
        }
        return Checkpoint(Path(f'{self.name}.pth'), tensors, {})

    def overrides(self) -> Overrides:
        """Return what the tensors do not tell, where the layout leaves it open."""
        if not self.name.startswith('mmseg'):
            return Overrides()
        return Overrides(
            align_corners=self.name.endswith('_769'),
            output_stride=32 if self.name.endswith('_d32') else 8,
            dilation='first' if self.name == 'mmseg_mv2' else 'contracted',
        )


def golden(name: str) -> Golden:
    """Read a case."""
    case = _originals()['cases'][name]
    with np.load(FOLDER / 'outputs.npz') as outputs:
        return Golden(
            name=name,
            picture=seeded_picture(case['seed'], *case['size']),
            shape=tuple(case['logits']),
            samples=outputs[f'{name}/logits'],
            labels=outputs[f'{name}/labels'],
        )


def normalised(picture: npt.NDArray[np.uint8], mean: Any, std: Any) -> Tensor:
    """Return the input [1, 3, H, W] of a network for an RGB picture [H, W, 3]."""
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (mean, std))
    x: Tensor = (torch.from_numpy(picture.transpose(2, 0, 1)[np.newaxis].copy()) - mean) / std
    return x


@lru_cache(maxsize=1)
def _originals() -> Any:
    return json.loads(gzip.decompress((FOLDER / 'originals.json.gz').read_bytes()))
