"""The `model` tool as a person uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from seg_perception.inference.choice import read_contract
from seg_perception.models.cli import COMMANDS, main
from seg_perception.models.networks.architecture import architecture
from test.tiny_model import tiny_contract, write_tiny_model


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx', tiny_contract(width=96, height=64))


def test_info_prints_the_contract(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['info', str(tiny)]) == 0
    printed = capsys.readouterr().out
    assert 'image uint8 [N, 64, 96, 3] RGB' in printed
    assert 'logits float [N, 19, 8, 12], stride 8, align_corners false' in printed
    assert 'cityscapes: road, sidewalk, building' in printed
    assert 'weights: Apache-2.0; data: none' in printed
    assert '1.0000 on its own colours' in printed


def test_a_damaged_model_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(b'not a model')
    assert main(['info', str(path)]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith('model info: ')
    assert 'damaged.onnx' in printed
    assert printed.count('\n') == 1


def test_train_and_export(street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, model = tmp_path / 'run', tmp_path / 'street.onnx'
    size = ['--width', '96', '--height', '64']
    recipe = ['--iterations', '2', '--batch', '2', '--freeze-early', '--optimizer', 'adamw']
    assert main(['train', '--dataset', str(street), '--output', str(run), *size, *recipe]) == 0
    assert f'wrote {run / "last.pt"}' in capsys.readouterr().out
    words = ['--trained-on', 'four frames', '--weights-license', 'none', '--data-license', 'none']
    words += ['--label-stride', '2']
    check = ['--check-on', str(street), '--output', str(model)]
    assert main(['export', str(run / 'last.pt'), *check, *size, *words]) == 0
    assert 'give the same label on 100.0' in capsys.readouterr().out
    contract = read_contract(model)
    assert contract.name == 'street'
    assert contract.architecture == 'pspnet_lite0_d8'
    assert contract.trained_on == 'four frames'
    assert (contract.width, contract.height, contract.stride) == (96, 64, 4)
    assert contract.label_size == (48, 32)
    assert contract.configuration == architecture('pspnet_lite0_d8').to_config()
    assert fuse_inputs(model) == {112}
    assert main(['export', str(run / 'last.pt'), *check, *size, *words, '--no-fold']) == 0
    assert fuse_inputs(model) == {112 + 4 * 32}


def fuse_inputs(model: Path) -> set[int]:
    """Return how many channels the 3x3 convolution of a light network sees."""
    shapes = [list(weight.dims) for weight in onnx.load(str(model)).graph.initializer]
    return {shape[1] for shape in shapes if shape[:1] == [128] and shape[2:] == [3, 3]}


def test_shares_must_fit_the_datasets(
    street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--dataset', str(street), '--shares', '1', '2', '--output', str(tmp_path / 'run')]
    assert main(['train', *words]) == 1
    assert '--shares: expected 1 positive numbers, one a dataset' in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error(tiny: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, '-m', 'seg_perception', 'model', 'info', str(tiny)]
    with os.fdopen(writer, 'wb') as closed:
        done = subprocess.run(words, check=False, stdout=closed, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b'')


@pytest.mark.parametrize('command', list(COMMANDS))
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match='0'):
        main([command, '--help'])
    assert f'example:\n  python3 -m seg_perception model {command}' in capsys.readouterr().out
