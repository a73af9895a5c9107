"""`model quantize` as a person uses it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from seg_perception.inference.choice import read_contract
from seg_perception.models.cli import main
from test.models.export.residual_model import write_residual_model
from test.tiny_model import tiny_contract


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_residual_model(tmp_path / 'model.onnx', tiny_contract(width=96, height=64))


def words(model: Path, street: Path, precision: str, *more: str) -> list[str]:
    output = model.with_name(f'{precision}.onnx')
    check = ['--check-on', str(street), '--calibrate-on', str(street)]
    return [
        'quantize',
        str(model),
        '--output',
        str(output),
        '--precision',
        precision,
        *check,
        *more,
    ]


@pytest.mark.parametrize('precision', ['fp16', 'int8'])
def test_it_writes_a_checked_file(
    model: Path, street: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = words(model, street, precision, '--grouping', 'camvid11')
    assert main(command) == 0
    printed = capsys.readouterr().out
    output = model.with_name(f'{precision}.onnx')
    assert printed.startswith(f'wrote {output}: mIoU 0.')
    contract = read_contract(output)
    assert contract.precision == precision
    assert contract.derived_from['dataset'] == f'{street.name} val, camvid11'
    assert contract.derived_from['agreement'] > 0.98
    (accuracy,) = contract.accuracy
    assert accuracy.miou == pytest.approx(contract.derived_from['miou'], abs=0.01)
    # Both commands can be run again as they stand.
    program = ['python3', '-m', 'seg_perception', 'model']
    again, measure = (shlex.split(c) for c in (contract.derived_from['command'], accuracy.command))
    assert again[:4] == measure[:4] == program
    assert main(again[4:]) == 0
    assert main([*measure[4:], '--model', str(output)]) == 0
    assert f'{accuracy.miou:.4f}' in capsys.readouterr().out
    assert read_contract(output) == contract


@pytest.mark.parametrize('precision', ['fp16', 'int8'])
def test_a_file_over_its_limit_is_not_written(
    model: Path, street: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(model, street, precision, '--max-drop', '-1')) == 1
    printed = capsys.readouterr().err.splitlines()[-1]
    assert printed.startswith('model quantize: expected a drop of at most -1 points')
    assert 'same label on' in printed
    assert [path.name for path in model.parent.iterdir()] == ['model.onnx']


def test_no_number_is_one_line(
    model: Path, street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ruined = onnx.load(str(model))
    ruined.graph.initializer[1].CopyFrom(
        numpy_helper.from_array(np.full(19, np.nan, np.float32), 'bias')
    )
    onnx.save(ruined, str(model))
    for precision in ('fp16', 'int8'):
        assert main(words(model, street, precision)) == 1
        assert 'expected ' in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in model.parent.iterdir()] == ['model.onnx']


def test_what_is_wrong_is_one_line(
    model: Path, street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(model, street, 'fp16')) == 0
    half = model.with_name('fp16.onnx')
    capsys.readouterr()
    assert main(words(half, street, 'int8')) == 1
    assert 'expected an fp32 model, got fp16; give its original' in capsys.readouterr().err
    base = ['quantize', str(model), '--precision', 'int8', '--check-on', str(street), '--output']
    assert main([*base, str(tmp_path / 'x.onnx')]) == 1
    assert 'expected --calibrate-on with real frames, got none' in capsys.readouterr().err
    assert main([*base, str(tmp_path / 'no' / 'x.onnx'), '--calibrate-on', str(street)]) == 1
    assert '--output: expected a file in a folder that exists' in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match='0'):
        main(['quantize', '--help'])
    assert 'example:\n  python3 -m seg_perception model quantize' in capsys.readouterr().out
