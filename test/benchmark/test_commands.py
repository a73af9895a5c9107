"""The commands from end to end, with a model whose every label is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.benchmark.cli import main
from seg_perception.benchmark.model_contest import reference_file
from seg_perception.benchmark.report import SCHEMA
from test.tiny_model import tiny_contract, write_tiny_model


def test_a_model_is_measured_in_every_runtime_of_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    arguments = ['model', str(model), '--quick', '--seconds', '0.01', '--batch', '3,1']
    assert main([*arguments, '--output', str(tmp_path / 'out')]) == 0
    report = json.loads((tmp_path / 'out' / 'model.json').read_text())
    assert report['schema'] == SCHEMA
    assert list(report['results']) == [
        'tiny.onnx, 128x64, fp32, batch 1',
        'tiny.onnx, 128x64, fp32, batch 3',
    ]
    for result in report['results'].values():
        of = result['runtimes']['onnxruntime']
        assert of['agreement'] == 1.0
        assert 0 < of['miou'] < 1
        assert of['latency_ms']['p50'] <= of['latency_ms']['p90'] <= of['latency_ms']['p99']
        assert of['images_per_s']['median'] > 0
        assert of['host_mib'] > 20
        # Every runtime is either measured or has a reason.
        assert len(result['runtimes']) + len(result['absent']) == 4
    text = capsys.readouterr().out
    assert 'onnxruntime' in text
    assert '1.00×' in text


def test_paths_are_measured_beside_plain_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    arguments = ['path', '--model', str(model), '--size', '256', '128', '--quick', '--stages']
    only = ['--backends', 'onnxruntime', '--only', 'onnxruntime', '--rates', '50,1000000']
    assert main([*arguments, *only, '--output', str(tmp_path)]) == 0
    report = json.loads((tmp_path / 'path.json').read_text())
    own = report['results']['seg_perception, onnxruntime']
    plain = report['results']['onnxruntime + argmax, cpu']
    assert list(own['stage_ms']) == ['decode', 'prepare', 'infer', 'finish', 'masks']
    assert plain['agreement'] > 0.999
    for path in (own, plain):
        assert all(milliseconds >= 0 for milliseconds in path['stage_ms'].values())
        assert path['stage_ms']['infer'] > 0
        assert path['over_runner'] > 0
        # How high the peak is depends on what else the machine does; rates above are not measured.
        assert path['peak_hz']['least'] >= 0
        held = [rate for rate in ('50', '1e+06') if float(rate) <= path['peak_hz']['median']]
        assert list(path['rates']) == held
        assert all(0 <= at['drop_share']['median'] <= 1 for at in path['rates'].values())
    assert 'CUDAExecutionProvider' in report['absent']['onnxruntime + argmax, cuda']
    for name in ('path.md', 'path.html', 'path_0.svg', 'path_1.svg', 'path_2.svg'):
        assert (tmp_path / name).stat().st_size > 0
    assert 'Where the milliseconds of a frame go' in capsys.readouterr().out


def test_without_the_peak_frames_are_measured_one_by_one(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    arguments = ['path', '--model', str(model), '--size', '64', '32', '--quick', '--jpeg']
    only = ['--no-peak', '--backends', 'onnxruntime', '--only', 'seg_perception']
    assert main([*arguments, *only, '--output', str(tmp_path)]) == 0
    report = json.loads((tmp_path / 'path.json').read_text())
    (own,) = report['results'].values()
    assert report['settings']['camera'] == '64x32 jpeg'
    assert own['peak_hz'] is None
    assert own['rates'] == {}
    assert own['stage_ms']['decode'] > 0
    assert not (tmp_path / 'path_1.svg').exists()


def test_planner_outputs_are_measured_with_and_without_their_messages(tmp_path: Path) -> None:
    arguments = ['planner', '--runs', '2', '--frames', '3', '--labels', '160x90']
    assert main([*arguments, '--output', str(tmp_path)]) == 0
    report = json.loads((tmp_path / 'planner.json').read_text())
    assert report['settings']['camera'] == [2048, 1024]
    assert list(report['results']) == ['found', 'found and made messages']
    for cost in report['results'].values():
        assert 0 < cost['cpu_ms']['least'] <= cost['cpu_ms']['median'] <= cost['cpu_ms']['largest']


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['path', '--only', 'openvino', '--quick', '--size', '64', '32'], "part of a path's name"),
        (['model', 'none.onnx'], 'benchmark model: none.onnx'),
        (['path', '--model', 'none.onnx'], 'benchmark path: none.onnx'),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert reason in error
    assert error.count('\n') == 1


@pytest.mark.parametrize(
    'arguments', [['model', '--batch', '0'], ['model', '--runs', '0'], ['path', '--rates', 'fast']]
)
def test_arguments_out_of_range_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert arguments[1] in capsys.readouterr().err


def test_a_file_of_less_precision_is_compared_with_its_original() -> None:
    wide = tiny_contract()
    half = replace(wide, precision='fp16')
    other = replace(half, width=256)
    contracts = {Path('half'): half, Path('wide'): wide, Path('other'): other}
    assert reference_file(Path('half'), contracts) == Path('wide')
    assert reference_file(Path('wide'), contracts) == Path('wide')
    assert reference_file(Path('other'), contracts) == Path('other')
