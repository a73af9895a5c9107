"""The check for machines with a GPU: what it makes of figures, and that it runs without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.gpu_check import FAIL, PASS, SKIP, Check, main
from tools.gpu_machine import SkippedError, missing_gpu
from tools.wheel_parts import join, split

OWN = 'seg_perception, onnxruntime_cuda'
PLAIN = 'torch eager FP16, cuda, as published'


def result(milliseconds: float, over_runner: float = 1.0) -> dict[str, Any]:
    return {'frame_ms': {'median': milliseconds}, 'over_runner': over_runner}


@pytest.mark.parametrize(
    ('own', 'verdicts'),
    [
        (result(5.0, 1.3), [PASS, PASS]),
        (result(5.1, 1.2), [FAIL, PASS]),
        (result(4.0, 1.31), [PASS, FAIL]),
    ],
)
def test_the_path_is_judged_by_its_limits(
    own: dict[str, Any], verdicts: list[str], tmp_path: Path
) -> None:
    check = Check(tmp_path, 1, 0.1)
    check.judge_path({OWN: own, PLAIN: result(10.0)}, '512x1024')
    assert [line.verdict for line in check.lines] == verdicts
    assert check.lines[0].found == f'{10 / own["frame_ms"]["median"]:.2f}x'


def test_the_fastest_runtime_counts(tmp_path: Path) -> None:
    check = Check(tmp_path, 1, 0.1)
    slow = 'seg_perception, tensorrt'
    check.judge_path({slow: result(9.0), OWN: result(4.0), PLAIN: result(10.0)}, '512x1024')
    assert check.lines[0].found == '2.50x'
    with pytest.raises(SkippedError, match='did not run'):
        check.judge_path({OWN: result(4.0)}, '512x1024')


@pytest.mark.skipif(not missing_gpu(), reason='this machine has a GPU')
def test_without_a_gpu_all_is_skipped_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'out'
    assert main(['--output', str(output), '--checks', 'agreement', 'sanitizer', 'rtx']) == 2
    report = json.loads((output / 'gpu_check.json').read_text())
    assert [line['verdict'] for line in report['lines']] == [SKIP] * 3
    assert all('CUDA driver' in line['found'] for line in report['lines'])
    assert report['machine']['gpu'] == 'none'
    assert 'none failed, some were skipped' in capsys.readouterr().out


def test_a_wheel_survives_its_parts(tmp_path: Path) -> None:
    wheel = tmp_path / 'large.whl'
    wheel.write_bytes(bytes(range(256)) * 5)
    split([wheel], tmp_path / 'parts', 500)
    parts = sorted(path.name for path in (tmp_path / 'parts').glob('large.whl.*'))
    assert parts == ['large.whl.000', 'large.whl.001', 'large.whl.002']
    joined = tmp_path / 'joined'
    joined.mkdir()
    (again,) = join(tmp_path / 'parts', joined)
    assert again.read_bytes() == wheel.read_bytes()
    (tmp_path / 'parts' / parts[1]).write_bytes(b'x' * 500)
    with pytest.raises(ValueError, match=r'large.whl: its parts .* are damaged'):
        join(tmp_path / 'parts', joined)
    (tmp_path / 'parts' / parts[2]).unlink()
    with pytest.raises(ValueError, match=r'expected all parts .*, missing large.whl.002'):
        join(tmp_path / 'parts', joined)
