"""The runner contract on a GPU, where there is one; without, that it says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from seg_perception.inference.base import ModelError, Runner, RunnerError
from seg_perception.inference.tensorrt.runner import TensorRtRtxRunner, TensorRtRunner
from test.inference.runner_contract import RunnerContract
from test.tiny_model import tiny_contract, write_tiny_model


def missing(runtime: type[TensorRtRunner]) -> str:
    """Return what this machine lacks to run a runtime, empty for nothing."""
    try:
        runtime.check_machine()
    except RunnerError as error:
        return str(error)
    return ''


# Defined only where they can run: skipped one by one they would fill the report.
if not missing(TensorRtRunner):

    class TestTensorRt(RunnerContract):
        def make_runner(self, path: Path) -> Runner:
            return TensorRtRunner(path)


if not missing(TensorRtRtxRunner):

    class TestTensorRtRtx(RunnerContract):
        def make_runner(self, path: Path) -> Runner:
            return TensorRtRtxRunner(path)


@pytest.mark.parametrize('runtime', [TensorRtRunner, TensorRtRtxRunner])
def test_what_is_missing_is_told_and_the_model_is_checked_first(
    tmp_path: Path, runtime: type[TensorRtRunner]
) -> None:
    reason = missing(runtime)
    if not reason:
        pytest.skip('nothing is missing here')
    with pytest.raises(ModelError, match='got nothing'):
        runtime(tmp_path / 'none.onnx').activate()
    runner = runtime(write_tiny_model(tmp_path / 'model.onnx', tiny_contract()))
    with pytest.raises(RunnerError) as caught:
        runner.activate()
    assert str(caught.value) == reason
    assert not runner.active
