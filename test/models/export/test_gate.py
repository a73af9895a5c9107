"""The gate: what passes is written with its numbers, what does not leaves nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from seg_perception.core.contract import Accuracy
from seg_perception.core.labels import LabelSet, load_grouping
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.choice import read_contract
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.models.export.gate import (
    Comparison,
    Frames,
    GateError,
    Limits,
    compare,
    keep_if_good,
)
from test.models.export.residual_model import write_residual_model
from test.tiny_model import tiny_contract, write_tiny_model

COMMANDS = ('model quantize', 'model evaluate')


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return write_residual_model(tmp_path / 'original.onnx', tiny_contract(width=96, height=64))


@pytest.fixture
def frames(street: Path, labels: LabelSet) -> Frames:
    return Frames(CityscapesFolder(street, 'val', labels), labels, None, 'street val')


def keep(
    model: onnx.ModelProto, original: Path, frames: Frames, limits: Limits | None = None
) -> Comparison:
    return keep_if_good(
        model,
        original,
        original.with_name('derived.onnx'),
        frames,
        limits or Limits(),
        precision='int8',
        commands=COMMANDS,
    )


def ruined(original: Path) -> onnx.ModelProto:
    """Return the model with road and sky taken for each other."""
    model = onnx.load(str(original))
    for tensor in model.graph.initializer:
        if tensor.name in ('weight', 'bias'):
            values = numpy_helper.to_array(tensor).copy()
            values[[0, 10]] = values[[10, 0]]
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def test_what_passes_says_what_it_is(original: Path, frames: Frames) -> None:
    found = keep(onnx.load(str(original)), original, frames)
    assert (found.agreement, found.drop, found.frames) == (1, 0, 4)
    assert 0.1 < found.miou == found.original_miou < 1
    contract = read_contract(original.with_name('derived.onnx'))
    assert contract.name == 'derived'
    assert contract.precision == 'int8'
    assert contract.accuracy == (Accuracy(found.miou, 'street val', 'model evaluate'),)
    assert contract.derived_from == {
        'sha256': hashlib.sha256(original.read_bytes()).hexdigest(),
        'miou': found.miou,
        'agreement': 1,
        'dataset': 'street val',
        'frames': 4,
        'command': 'model quantize',
    }
    changed = {'name', 'precision', 'accuracy', 'derived_from', 'date'}
    kept = {name: getattr(contract, name) for name in changed}
    assert replace(read_contract(original), **kept) == contract


def test_a_ruined_model_leaves_no_file(original: Path, frames: Frames) -> None:
    with pytest.raises(GateError, match=r'at most 1 points .* got mIoU .* is not written: keep'):
        keep(ruined(original), original, frames)
    assert [path.name for path in original.parent.iterdir()] == ['original.onnx']


def test_an_older_file_stays(original: Path, frames: Frames) -> None:
    output = original.with_name('derived.onnx')
    output.write_bytes(b'older')
    with pytest.raises(GateError):
        keep(ruined(original), original, frames)
    assert output.read_bytes() == b'older'


def test_numbers_of_a_ruined_model(
    original: Path, frames: Frames, labels: LabelSet, tmp_path: Path
) -> None:
    wrong = tmp_path / 'wrong.onnx'
    onnx.save(ruined(original), str(wrong))
    found = compare(original, wrong, frames)
    # Only the car, a twelfth of the picture, and what is up-sampled between others keep labels.
    assert 1 / 12 < found.agreement < 1 / 4
    assert found.miou < 0.25 < found.original_miou
    assert found.drop == pytest.approx(100 * (found.original_miou - found.miou))
    merged = replace(frames, grouping=load_grouping('camvid11', labels))
    assert compare(original, wrong, merged).original_miou > found.original_miou
    everything = Limits(max_drop=100, min_agreement=0)
    assert keep(ruined(original), original, frames, everything) == found


@pytest.mark.parametrize('limits', [Limits(max_drop=-0.01), Limits(min_agreement=1.01)])
def test_each_limit_alone_fails(original: Path, frames: Frames, limits: Limits) -> None:
    with pytest.raises(GateError, match=r'same label on 100\.000% of the pixels of 4 frames'):
        keep(onnx.load(str(original)), original, frames, limits)


def test_no_number_passes_no_gate(original: Path, frames: Frames) -> None:
    model = onnx.load(str(original))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == 'bias')
    bias.CopyFrom(numpy_helper.from_array(np.full(19, np.nan, np.float32), 'bias'))
    with pytest.raises(RunnerError, match='expected finite numbers'):
        keep(model, original, frames, Limits(max_drop=100, min_agreement=0))
    assert [path.name for path in original.parent.iterdir()] == ['original.onnx']


def test_a_model_of_other_labels_is_refused(original: Path, frames: Frames, tmp_path: Path) -> None:
    labels = tiny_contract().labels[::-1]
    other = write_tiny_model(
        tmp_path / 'other.onnx', tiny_contract(width=96, height=64, labels=labels)
    )
    with pytest.raises(ModelError, match=r'expected road \(id 7\) as class 0'):
        compare(original, other, frames)
