"""Every kind of network in every precision becomes an engine, without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from seg_perception.core.contract import ModelContract
from seg_perception.models.export.contract_file import export
from seg_perception.models.export.precision import to_half
from seg_perception.models.export.quantize import quantize
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from test.inference.tensorrt.rtx import TARGETS, build_rtx
from test.tiny_model import tiny_contract

WIDTH, HEIGHT = 128, 64
IMAGES = [np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)]

PRECISIONS: dict[str, Callable[[Any], Any]] = {
    'fp32': lambda model: model,
    'fp16': lambda model: to_half(model, IMAGES),
    'int8': lambda model: quantize(model, IMAGES),
}


@pytest.mark.parametrize(
    'name', ['pspnet_r18_d8', 'pspnet_r50_d8', 'pspnet_r101_d8', 'pspnet_mv2_d8', 'pspnet_lite0_d8']
)
def test_a_network_is_built_in_every_precision(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip('tensorrt_rtx', reason='TensorRT for RTX is not installed')
    path = tmp_path / 'model.onnx'
    contract = write_untrained(name, path)
    columns, rows = contract.logits_size
    for precision, derive in PRECISIONS.items():
        derived = tmp_path / f'{precision}.onnx'
        model = derive(onnx.load(str(path)))
        onnx.save(model, str(derived))
        built = build_rtx(derived, caplog, batch=2, targets=TARGETS)
        kind = 'Half' if precision == 'fp16' else 'Float'
        assert built.inputs == [f'image UInt8 [-1,{HEIGHT},{WIDTH},3]']
        assert built.outputs == [
            f'logits {kind} [-1,19,{rows},{columns}]',
            f'label UInt8 [-1,{HEIGHT},{WIDTH}]',
            f'confidence UInt8 [-1,{HEIGHT},{WIDTH}]',
            'finite UInt8 [-1]',
        ]
        assert built.layers == 1
        # One layer for each node and 160 for the finish; scales of INT8 are layers of their own.
        assert built.parsed > len(model.graph.node) + 159
        if precision != 'int8':
            assert built.parsed < len(model.graph.node) + 163
            # Adaptive pooling that was not made a matrix gives a thousand.
            assert len(model.graph.node) < 300


def write_untrained(name: str, path: Path) -> ModelContract:
    torch.manual_seed(0)
    configuration = architecture(name)
    network = build(configuration, 19)
    contract = tiny_contract(
        width=WIDTH,
        height=HEIGHT,
        stride=configuration.stride,
        align_corners=configuration.align_corners,
    )
    export(network, contract, path)
    return contract
