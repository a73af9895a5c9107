from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from seg_perception.inference.base import RunnerError
from seg_perception.inference.tensorrt.driver import Gpu
from seg_perception.inference.tensorrt.flavour import (
    TENSORRT,
    TENSORRT_RTX,
    Flavour,
    describe_platform,
    load_flavour,
)
from seg_perception.inference.tensorrt.options import BuildOptions

ORIN = Gpu(name='Orin', compute_capability='8.7', integrated=True, cuda='12.6')


@pytest.mark.parametrize(
    ('source', 'sentence'),
    [
        (
            'raise ImportError("libnvinfer.so.10:\\n no such file")',
            'imported: libnvinfer.so.10: no',
        ),
        ('raise OSError("broken")', 'TensorRT cannot be imported: broken; on a Jetson it comes'),
        ('__version__ = "8.4.1.5"', r'expected TensorRT 8\.5 or newer, got 8\.4\.1\.5; on a J'),
    ],
)
def test_a_module_that_is_of_no_use_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, sentence: str
) -> None:
    (tmp_path / 'tensorrt.py').write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'tensorrt', raising=False)
    with pytest.raises(RunnerError, match=sentence):
        load_flavour(TENSORRT, need_gpu=False)
    monkeypatch.delitem(sys.modules, 'tensorrt', raising=False)


def test_a_missing_module_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'tensorrt_rtx', None)
    with pytest.raises(
        RunnerError, match=r'TensorRT for RTX cannot be imported: .*`pip install te'
    ):
        load_flavour(TENSORRT_RTX, need_gpu=False)


def test_a_platform_is_all_that_an_engine_depends_on() -> None:
    here = Flavour(TENSORRT, None, '10.3.0', ORIN)
    assert describe_platform(here, BuildOptions()) == {
        'runtime': 'tensorrt',
        'version': '10.3.0',
        'machine': platform.machine(),
        'gpu': 'Orin',
        'compute_capability': '8.7',
    }
    ahead = Flavour(TENSORRT_RTX, None, '1.7.1.116', None)
    options = BuildOptions(compute_capabilities=('8.6', '8.9'))
    assert describe_platform(ahead, options) == {
        'runtime': 'tensorrt_rtx',
        'version': '1.7.1.116',
        'machine': platform.machine(),
        'gpu': '',
        'compute_capability': '8.6 8.9',
    }


def test_what_rtx_says_is_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip('tensorrt_rtx', reason='TensorRT for RTX is not installed')
    from seg_perception.inference.tensorrt.flavour import Log

    flavour = load_flavour(TENSORRT_RTX, need_gpu=False)
    assert flavour.is_rtx
    assert flavour.title.startswith('TensorRT for RTX 1.')
    log = Log(flavour.trt)
    assert log.reason() == 'TensorRT gave no reason'
    with caplog.at_level('INFO', 'seg_perception.tensorrt_rtx'):
        runtime = flavour.trt.Runtime(log.native)
        assert runtime.deserialize_cuda_engine(b'no engine') is None
    assert log.reason() in ' '.join(caplog.text.split())
    assert log.reason() == 'TensorRT gave no reason'
    for number in range(100):
        log.native.log(flavour.trt.ILogger.ERROR, f'failure {number}')
    assert len(log.errors) < 10
    assert log.reason() == 'failure 0'
