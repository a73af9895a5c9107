"""The runner's own code runs on every machine: with ONNX Runtime's CPU as the device."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime
import pytest

from seg_perception.inference.base import Runner, RunnerError
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from seg_perception.inference.onnxruntime_cuda import OnnxRuntimeCudaRunner, check_build
from test.inference.runner_contract import RunnerContract, pictures
from test.tiny_model import tiny_contract, write_tiny_model

HAS_CUDA = 'CUDAExecutionProvider' in onnxruntime.get_available_providers()


def missing() -> str:
    """Return what this machine lacks; empty if nothing."""
    try:
        OnnxRuntimeCudaRunner.check_machine()
    except RunnerError as error:
        return str(error)
    return ''


class OnTheCpu(OnnxRuntimeCudaRunner):
    _provider = 'CPUExecutionProvider'
    _provider_options: ClassVar[Mapping[str, str]] = {}
    _device = 'cpu'

    @classmethod
    def check_machine(cls) -> None:
        """Every machine has a CPU."""


class TestBindingOnTheCpu(RunnerContract):
    def make_runner(self, path: Path) -> Runner:
        return OnTheCpu(path, threads=1)


@pytest.mark.skipif(bool(missing()), reason=missing())
class TestOnnxRuntimeCuda(RunnerContract):
    def make_runner(self, path: Path) -> Runner:
        return OnnxRuntimeCudaRunner(path, threads=1)


def test_its_name() -> None:
    assert OnnxRuntimeCudaRunner('model.onnx').name == 'onnxruntime_cuda'


def test_labels_are_those_of_the_other_runner(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', sharpness=0.0005)
    images = pictures(tiny_contract(), 2)
    with OnTheCpu(path, threads=1) as bound, OnnxRuntimeRunner(path, threads=1) as plain:
        assert (bound.infer(images).label == plain.infer(images).label).mean() >= 0.9999


def test_batches_of_changing_size_leave_the_images_alone(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    batches = [pictures(tiny_contract(), count, seed) for seed, count in enumerate((2, 2, 1, 3))]
    kept = [batch.copy() for batch in batches]
    for batch in batches:
        batch.flags.writeable = False
    with OnTheCpu(path, threads=1) as runner:
        results = [runner.infer(batch) for batch in batches]
    for number, batch in enumerate(batches):
        np.testing.assert_array_equal(batch, kept[number])
        with OnTheCpu(path, threads=1) as fresh:
            np.testing.assert_array_equal(results[number].label, fresh.infer(kept[number]).label)


@pytest.mark.skipif(HAS_CUDA, reason='this ONNX Runtime has CUDA')
def test_a_build_without_cuda_is_told_and_what_to_install() -> None:
    with pytest.raises(
        RunnerError,
        match=r'an ONNX Runtime with CUDA, got [\d.]+ with .*CPUExecutionProvider; .*onnxruntime-g',
    ):
        check_build()


@pytest.mark.skipif(HAS_CUDA, reason='this ONNX Runtime has CUDA')
def test_it_never_runs_on_the_cpu_instead(tmp_path: Path) -> None:
    class Unchecked(OnnxRuntimeCudaRunner):
        @classmethod
        def check_machine(cls) -> None:
            """Go on, to see what ONNX Runtime does by itself."""

    runner = Unchecked(write_tiny_model(tmp_path / 'model.onnx'))
    with (
        pytest.warns(UserWarning, match='not in available provider names'),
        pytest.raises(RunnerError, match=r'cannot start CUDAExecutionProvider: .*pip install'),
    ):
        runner.activate()
    assert not runner.active


def test_without_onnx_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    monkeypatch.delitem(sys.modules, 'seg_perception.inference.device_finish', raising=False)
    monkeypatch.setitem(sys.modules, 'onnx', None)
    runner = OnTheCpu(path, threads=1)
    with pytest.raises(RunnerError, match=r'needs the package onnx .*`pip install onnx`'):
        runner.activate()
    assert not runner.active
