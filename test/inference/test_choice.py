from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_perception.core.labels import Label, load_label_set
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.choice import (
    BACKENDS,
    check_labels,
    create_runner,
    create_serving_runner,
    read_contract,
)
from seg_perception.inference.engine_cache import EngineSettings
from test.inference.runner_contract import pictures
from test.tiny_model import tiny_contract, write_tiny_model

PACKAGE = 'seg_perception.inference'
RUNTIMES = [backend for backend in BACKENDS if backend != 'auto']


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep engines out of the user's cache, where this machine can build any."""
    monkeypatch.setenv('SEG_PERCEPTION_CACHE', str(tmp_path / 'cache'))


@pytest.mark.parametrize('backend', RUNTIMES)
def test_every_backend_is_itself_or_says_what_is_missing(tmp_path: Path, backend: str) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    runner = create_runner(backend, path, threads=1)
    assert runner.name == backend
    try:
        runner.check_machine()
    except RunnerError as error:
        with pytest.raises(RunnerError, match=re.escape(str(error))):
            runner.activate()
        assert not runner.active
        assert backend != 'onnxruntime'
    else:
        with runner:
            assert runner.contract == tiny_contract()


def test_auto_takes_the_first_that_works_and_tells_why_not_those_before(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    images = pictures(tiny_contract(), 1)
    with create_runner('auto', path, threads=1) as runner:
        assert runner.name in RUNTIMES
        assert list(runner.passed_over) == RUNTIMES[: RUNTIMES.index(runner.name)]
        assert all(runner.passed_over.values())
        label = runner.infer(images).label
    with create_runner('onnxruntime', path, threads=1) as plain:
        assert plain.passed_over == {}
        np.testing.assert_array_equal(plain.infer(images).label, label)


@pytest.mark.skipif(Path('/proc/driver/nvidia').exists(), reason='this machine has a GPU')
def test_without_a_driver_auto_is_onnxruntime_and_loads_no_tensorrt(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    script = (
        'import sys\n'
        'from seg_perception.inference.choice import create_runner\n'
        f'with create_runner("auto", {str(path)!r}) as runner:\n'
        '    print(runner.name, dict(runner.passed_over))\n'
        'print([name for name in sys.modules if name in ("tensorrt", "tensorrt_rtx", "onnx")])\n'
    )
    answer = subprocess.run(
        [sys.executable, '-c', script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(
        r"onnxruntime \{'tensorrt': 'no CUDA driver: .*', 'tensorrt_rtx': 'no CUDA .*', "
        r"'onnxruntime_cuda': 'no CUDA .*'\}\n\[\]\n",
        answer.stdout,
    )


@pytest.mark.skipif(Path('/proc/driver/nvidia').exists(), reason='this machine has a GPU')
def test_what_serves_frames_tells_all_that_is_missing(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    with create_serving_runner('auto', path, threads=1) as runner:
        assert runner.name == runner.status.serving == 'onnxruntime'
        assert list(runner.status.passed_over) == ['tensorrt', 'tensorrt_rtx', 'onnxruntime_cuda']
        assert all('no CUDA driver' in reason for reason in runner.status.passed_over.values())
        assert (runner.status.preparing, runner.status.fault) == ('', '')
    with create_serving_runner('onnxruntime', path, threads=1) as runner:
        assert str(runner.status) == 'serving: onnxruntime'
    assert str(runner.status) == 'serving: nothing'
    with pytest.raises(RunnerError, match='no CUDA driver'):
        create_serving_runner('tensorrt', path).activate()


def test_engines_are_built_as_is_set(tmp_path: Path) -> None:
    settings = EngineSettings(folder=tmp_path, tf32=True)
    for backend in ('tensorrt', 'tensorrt_rtx'):
        runner: Any = create_runner(backend, tmp_path / 'model.onnx', engines=settings)
        assert runner._options.tf32
        assert runner._source._cache.folder == tmp_path
        assert not create_runner(backend, tmp_path / 'model.onnx')._options.tf32  # type: ignore[attr-defined]


def test_auto_does_not_hide_a_bad_model(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', classes=18)
    runner = create_runner('auto', path)
    with pytest.raises(ModelError, match='breaks the model contract: output'):
        runner.activate()
    assert not runner.active


def test_an_unknown_backend_lists_the_known() -> None:
    known = 'auto, tensorrt, tensorrt_rtx, onnxruntime_cuda, onnxruntime'
    with pytest.raises(RunnerError, match=f"expected one of {known}, got 'caffe'"):
        create_runner('caffe', 'model.onnx')


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        if name not in (f'{PACKAGE}.base', f'{PACKAGE}.choice'):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    for backend in RUNTIMES:
        with pytest.raises(RunnerError, match=f'backend {backend}: .* got none: {backend} .*inst'):
            create_runner(backend, 'model.onnx')
    with pytest.raises(RunnerError, match=r'backend auto: .* tensorrt .*, onnxruntime .*install'):
        create_runner('auto', 'model.onnx').activate()
    with pytest.raises(RunnerError, match='got none: onnxruntime'):
        read_contract('model.onnx')


def test_a_contract_is_read(tmp_path: Path) -> None:
    assert read_contract(write_tiny_model(tmp_path / 'model.onnx')) == tiny_contract()
    with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
        read_contract(tmp_path / 'none.onnx')


def test_labels_that_agree() -> None:
    check_labels(tiny_contract(), load_label_set())
    labels = list(load_label_set().labels)
    labels[0] = replace(labels[0], color=(1, 2, 3))
    check_labels(tiny_contract(labels=labels), load_label_set())


def test_the_first_label_that_differs_is_named() -> None:
    labels = list(load_label_set().labels)
    swapped = [*labels[:3], labels[4], labels[3], *labels[5:]]
    with pytest.raises(ModelError) as caught:
        check_labels(tiny_contract(labels=swapped), load_label_set())
    assert str(caught.value) == (
        'model tiny_nearest_color (label set test): expected wall (id 12) as class 3 as in label '
        "set cityscapes, got fence (id 13); choose the model's label set or a model of this one"
    )


def test_too_few_and_too_many_labels() -> None:
    labels = load_label_set().labels
    with pytest.raises(ModelError, match=r'expected bicycle \(id 33\) as class 18 .* got no class'):
        check_labels(tiny_contract(labels=labels[:-1]), load_label_set())
    more = (*labels, Label('tram', 34, (9, 9, 9)))
    with pytest.raises(ModelError, match=r'expected no class as class 19 .* got tram \(id 34\)'):
        check_labels(tiny_contract(labels=more), load_label_set())
