"""ONNX Runtime on the CPU."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime

from seg_perception.core.contract import INPUT, OUTPUT, ContractError, ModelContract, TensorInfo
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.base import HostFinish, ModelError, Runner, RunnerError
from seg_perception.inference.onnx_file import check_file

Arrays: TypeAlias = 'dict[str, npt.NDArray[Any]]'

LOG_ERRORS = 3
# Sums of products of two signed INT8 factors overflow on CPUs without VNNI unless this is asked.
_EXACT_INT8 = ('session.x64quantprecision', '1')
# ONNX Runtime's names for the element types, as numpy has them.
_DTYPES = {'float': 'float32', 'double': 'float64'}


class OnnxRuntimeRunner(Runner):
    """Runs a model in ONNX Runtime, FP32, with the finish streamed on the CPU."""

    name = 'onnxruntime'
    _session: Any
    _finish: HostFinish

    def _load(self) -> ModelContract:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        # Threads that spin while they wait would take the cores from the camera and the graph.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.add_session_config_entry(*_EXACT_INT8)
        session = _open_session(self.path, options)
        contract = _session_contract(self.path, session)
        self._session, self._finish = session, HostFinish(contract)
        return contract

    def _predict(self, images: npt.NDArray[np.uint8], want_confidence: bool) -> Prediction:
        started = time.perf_counter()
        logits = self._logits(images)
        inferred = time.perf_counter()
        label, confidence = self._finish(logits, want_confidence)
        finished = time.perf_counter()
        return Prediction(
            label, confidence, (inferred - started) * 1e3, (finished - inferred) * 1e3
        )

    def _logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        try:
            logits: npt.NDArray[Any] = self._session.run([OUTPUT], {INPUT: images})[0]
        except Exception as error:
            raise RunnerError(
                f'ONNX Runtime failed on {self.path}: {reason_of(error)}; load the model again'
            ) from error
        return logits

    def _free(self) -> None:
        del self._session, self._finish


def read_contract(path: str | Path) -> ModelContract:
    """Read what a model file says of itself, without preparing it to run.

    :raises ModelError: when the file is missing, damaged or breaks the model contract.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return _session_contract(Path(path), _open_session(Path(path), options))


def open_graph(model: bytes) -> Callable[[Arrays], Arrays]:
    """Return a function that runs an ONNX model, which need not keep the contract.

    It takes inputs by name and returns outputs by name; for looking at a network from within.

    :raises ModelError: when ONNX Runtime cannot load the model.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = LOG_ERRORS
    options.add_session_config_entry(*_EXACT_INT8)
    try:
        session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
    except Exception as error:
        raise ModelError(
            f'expected a graph that ONNX Runtime runs, got: {reason_of(error)}'
        ) from error
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def fold_constants(path: Path) -> None:
    """Rewrite an ONNX file with what is constant in it computed, in standard operators only.

    Exporters leave chains of shape arithmetic that every runtime would compute at each start.

    :raises ModelError: when the file is missing or damaged.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    draft = path.with_suffix('.folded')
    options.optimized_model_filepath = str(draft)
    _open_session(path, options)
    draft.replace(path)


def _open_session(path: Path, options: Any) -> Any:
    check_file(path)
    options.log_severity_level = LOG_ERRORS
    try:
        return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    except Exception as error:
        raise ModelError(
            f'{path}: expected an ONNX file that ONNX Runtime {onnxruntime.__version__} can load, '
            f'got: {reason_of(error)}; the file is damaged or not a model: copy or export it again'
        ) from error


def _session_contract(path: Path, session: Any) -> ModelContract:
    try:
        return ModelContract.from_file_parts(
            str(path),
            session.get_modelmeta().custom_metadata_map,
            [_tensor(tensor) for tensor in session.get_inputs()],
            [_tensor(tensor) for tensor in session.get_outputs()],
        )
    except ContractError as error:
        raise ModelError(str(error)) from error


def _tensor(tensor: Any) -> TensorInfo:
    match = re.fullmatch(r'tensor\((\w+)\)', tensor.type)
    dtype = match[1] if match else tensor.type
    return TensorInfo(tensor.name, _DTYPES.get(dtype, dtype), tuple(tensor.shape))


def reason_of(error: Exception) -> str:
    """Return what ONNX Runtime says of an error, in one line."""
    return ' '.join(str(error).split())
