"""Models for the check on a GPU: PSPNets with random weights, and FP16 copies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import torch

from seg_perception.benchmark.frames import street
from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import from_bgr
from seg_perception.core.labels import load_label_set
from seg_perception.inference.choice import read_contract
from seg_perception.models.export.contract_file import annotate, export
from seg_perception.models.export.precision import to_half
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build


def write_pspnet(path: Path, name: str, size: tuple[int, int]) -> None:
    """Write a PSPNet with seeded random weights.

    :param name: of the architecture, such as `pspnet_r50_d8`.
    :param size: (width, height) of its input.
    """
    torch.manual_seed(0)
    kind = architecture(name)
    labels = load_label_set()
    contract = ModelContract(
        name=path.stem,
        architecture=kind.name,
        label_set=labels.name,
        labels=labels.labels,
        width=size[0],
        height=size[1],
        batch=None,
        stride=kind.stride,
        align_corners=kind.align_corners,
        trained_on='nothing: its weights are random',
        weights_license='Apache-2.0',
        data_license='none',
        source_url='',
        source_sha256='',
        accuracy=(),
        date='2026-11-23',
        configuration=kind.to_config(),
    )
    export(build(kind, len(labels.labels)).eval(), contract, path)


def write_half(model: Path, path: Path) -> None:
    """Write the FP16 copy of a contract file."""
    contract = read_contract(model)
    frames = street((1280, 720), 1)
    images = [from_bgr(bgr).rgb(contract.size) for bgr in frames.bgr]
    onnx.save(to_half(onnx.load(str(model)), images), str(path))
    annotate(path, replace(contract, precision='fp16'))
