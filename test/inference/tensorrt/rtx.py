"""Engines of TensorRT for RTX, built without a GPU, and what its log tells of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from seg_perception.inference.tensorrt.build import build_engine
from seg_perception.inference.tensorrt.flavour import TENSORRT_RTX
from seg_perception.inference.tensorrt.options import BuildOptions

TARGETS = ('8.0', '8.6', '8.9', '12.0')


class Built(NamedTuple):
    """An engine.

    :ivar parsed: layers that the parser made.
    :ivar layers: layers of the engine.
    :ivar inputs: each `name type [sides]`; of a dynamic batch the side is -1.
    """

    plan: bytes
    parsed: int
    layers: int
    inputs: list[str]
    outputs: list[str]


def build_rtx(
    path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    batch: int = 1,
    targets: tuple[str, ...] = TARGETS,
) -> Built:
    """Build an engine for GPUs that are not here; skip where TensorRT for RTX is not installed."""
    pytest.importorskip('tensorrt_rtx', reason='TensorRT for RTX is not installed')
    caplog.clear()
    with caplog.at_level('DEBUG', 'seg_perception.tensorrt_rtx'):
        plan = build_engine(
            path, BuildOptions(batch=batch, compute_capabilities=targets), runtime=TENSORRT_RTX
        )
    log = [record.message for record in caplog.records]
    parsed = max(
        int(found[1]) for text in log if (found := re.match(r'Original: (\d+) layers', text))
    )
    information = next(
        text for text in reversed(log) if text.startswith('Engine Layer Information')
    )
    layers = [line for line in information.splitlines() if line.startswith('Layer(')]
    inputs, _, outputs = layers[-1].rpartition(', Tactic')[2].partition('->')
    return Built(plan, parsed, len(layers), _tensors(inputs), _tensors(outputs))


def _tensors(text: str) -> list[str]:
    return [
        f'{name} {kind} [{sides}]'
        for name, kind, sides in re.findall(r'(\w+) \((\w+)\[([-\d,]*)\]\)', text)
    ]
