"""`model build` and `model engines` as a person uses them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.models.cli import main
from test.tiny_model import tiny_contract, write_tiny_model

ROOT = Path(__file__).parents[3]

needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec('tensorrt_rtx') is None, reason='TensorRT for RTX is not installed'
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'model.onnx')


@needs_rtx
def test_engines_are_built_for_other_gpus_listed_and_removed(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ['--cache-dir', str(tmp_path / 'engines')]
    # Without what training needs.
    script = (
        'import sys\n'
        "sys.modules.update(dict.fromkeys(['torch', 'cityscapesscripts', 'rclpy']))\n"
        'from seg_perception.models.cli import main\n'
        'sys.exit(main(sys.argv[1:]))\n'
    )
    words = ['build', str(model), '--backend', 'tensorrt_rtx', '--compute-capability', 'SM86']
    answer = subprocess.run(
        [sys.executable, '-c', script, *words, 'sm_120', *folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert '100%' in answer.stderr.replace(' ', '')
    first, told, second, _ = answer.stdout.splitlines()
    assert ' MB, built in ' in told
    assert all(Path(file).stat().st_size > 1000 for file in (first, second))
    assert main([*words, *folder]) == 0
    assert capsys.readouterr().out.splitlines()[0] == first

    assert main(['engines', *folder]) == 0
    printed = capsys.readouterr().out
    assert 'tiny_nearest_color 1x64x128x3 fp32 for any GPU (8.6), tensorrt_rtx 1.' in printed
    assert printed.splitlines()[-1].startswith('2 engines, ')
    assert main(['engines', '--json', *folder]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row['file'] for row in rows} == {first, second}
    assert {row['key']['compute_capability'] for row in rows} == {'8.6', '12.0'}

    assert main(['engines', '--evict', Path(first).name, *folder]) == 0
    assert f'removed {first}\n1 removed' in capsys.readouterr().out
    assert main(['engines', '--evict', Path(first).name, *folder]) == 1
    assert 'expected names of engines in' in capsys.readouterr().err
    assert main(['engines', '--evict', *folder]) == 0
    assert not Path(second).exists()
    assert main(['engines', *folder]) == 0
    assert '\n0 engines, 0.0 MB, in ' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (['--precision', 'fp16'], 'expected a model in fp16, got one in fp32; `python3 -m'),
        (['--compute-capability', '8x'], "expected such as SM86 or 8.6, got '8x'"),
        (['--limit-mib', '-1'], 'limit_mib: expected 0 MiB or more, got -1'),
    ],
)
def test_what_is_wrong_is_one_line(
    model: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['build', str(model), *words]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith('model build: ')
    assert sentence in printed
    assert printed.count('\n') == 1


def test_tf32_is_of_files_in_fp32(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = replace(tiny_contract(), precision='int8', derived_from={'sha256': 'x'})
    model = write_tiny_model(tmp_path / 'int8.onnx', contract)
    assert main(['build', str(model), '--precision', 'tf32']) == 1
    assert 'expected a model in fp32, got one in int8; give its original' in capsys.readouterr().err


@pytest.mark.skipif(Path('/proc/driver/nvidia').exists(), reason='this machine has a GPU')
def test_without_a_gpu_the_reason_is_told(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['build', str(model)]) == 1
    assert capsys.readouterr().err.startswith('model build: no CUDA driver: ')
