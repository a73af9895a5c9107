"""ONNX Runtime on a GPU, by CUDA."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnxruntime

from seg_perception.core.contract import INPUT, OUTPUT, ModelContract
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.base import (
    CONFIDENCE,
    FINITE,
    LABEL,
    Runner,
    RunnerError,
    refuse_numbers,
)
from seg_perception.inference.onnxruntime import LOG_ERRORS, read_contract, reason_of
from seg_perception.inference.tensorrt.driver import find_gpu

_CUDA = 'CUDAExecutionProvider'
_INSTALL = '`pip uninstall onnxruntime`, then `pip install "onnxruntime-gpu[cuda,cudnn]" onnx`'


class OnnxRuntimeCudaRunner(Runner):
    """Runs a model in ONNX Runtime on a GPU, with the finish there: only uint8 is copied back."""

    name = 'onnxruntime_cuda'
    _provider = _CUDA
    _provider_options: ClassVar[Mapping[str, str]] = {
        # FP32 is FP32, as in TensorRT; by itself ONNX Runtime takes TF32.
        'use_tf32': '0',
        # Trying out every algorithm would hold up the first frame of every size of batch.
        'cudnn_conv_algo_search': 'HEURISTIC',
    }
    _device = 'cuda'
    _session: Any
    _input: Any

    @classmethod
    def check_machine(cls) -> None:
        """Check that there are a driver, a GPU, an ONNX Runtime for CUDA and onnx."""
        find_gpu()
        check_build()
        _finish_writer()

    def _load(self) -> ModelContract:
        contract = read_contract(self.path)
        self.check_machine()
        model = _finish_writer()(self.path, contract).SerializeToString()
        self._session, self._input = self._open(model), None
        return contract

    def _open(self, model: bytes) -> Any:
        # Finds CUDA and cuDNN where pip has put them.
        onnxruntime.preload_dlls()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = LOG_ERRORS
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        providers = [(self._provider, dict(self._provider_options))]
        try:
            session = onnxruntime.InferenceSession(
                model, options, providers=providers, enable_fallback=0
            )
        except Exception as error:
            raise RunnerError(
                f'ONNX Runtime {onnxruntime.__version__} cannot load {self.path} for '
                f'{self._provider}: {reason_of(error)}; use another backend'
            ) from error
        # Where libraries are missing it would take the CPU and only log that.
        if self._provider not in session.get_providers():
            raise RunnerError(
                f'ONNX Runtime {onnxruntime.__version__} cannot start {self._provider}: CUDA or '
                f'cuDNN is missing or of another version; {_INSTALL}'
            )
        return session

    def _predict(self, images: npt.NDArray[np.uint8], want_confidence: bool) -> Prediction:
        names = [FINITE, LABEL, CONFIDENCE] if want_confidence else [FINITE, LABEL]
        started = time.perf_counter()
        outputs, inferred = self._run(images, names)
        if not outputs[FINITE].all():
            refuse_numbers()
        copied = time.perf_counter()
        return Prediction(
            outputs[LABEL],
            outputs.get(CONFIDENCE),
            (inferred - started) * 1e3,
            (copied - inferred) * 1e3,
        )

    def _logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        return self._run(images, [OUTPUT])[0][OUTPUT]

    def _run(
        self, images: npt.NDArray[np.uint8], names: Sequence[str]
    ) -> tuple[dict[str, npt.NDArray[Any]], float]:
        """Return the named outputs, and the time at which only copying them was left."""
        try:
            if self._input is None or tuple(self._input.shape()) != images.shape:
                # Not from the array: on a CPU it would be the caller's memory.
                self._input = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
                    images.shape, np.uint8, self._device, 0
                )
            self._input.update_inplace(images)
            # A new one for each run: with one that is kept, a run writes over the last results.
            binding = self._session.io_binding()
            binding.bind_ortvalue_input(INPUT, self._input)
            for name in names:
                binding.bind_output(name, self._device, 0)
            self._session.run_with_iobinding(binding)
            inferred = time.perf_counter()
            return dict(zip(names, binding.copy_outputs_to_cpu(), strict=True)), inferred
        except Exception as error:
            raise RunnerError(
                f'ONNX Runtime failed on {self.path}: {reason_of(error)}; load the model again'
            ) from error

    def _free(self) -> None:
        del self._session, self._input


def check_build() -> None:
    """Check that the ONNX Runtime that is installed is one for CUDA.

    :raises RunnerError: when it is not.
    """
    providers = onnxruntime.get_available_providers()
    if _CUDA not in providers:
        raise RunnerError(
            f'onnxruntime_cuda: expected an ONNX Runtime with CUDA, got {onnxruntime.__version__} '
            f'with {", ".join(providers)}; {_INSTALL}'
        )


def _finish_writer() -> Callable[[Path, ModelContract], Any]:
    try:
        from seg_perception.inference.device_finish import append_finish
    except ImportError as error:
        raise RunnerError(
            f'onnxruntime_cuda needs the package onnx to put the finish on the GPU: {error}; '
            '`pip install onnx`'
        ) from error
    return append_finish
