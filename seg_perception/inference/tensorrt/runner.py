"""TensorRT and TensorRT for RTX as runners."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import OUTPUT, ModelContract
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.base import (
    CONFIDENCE,
    FINITE,
    LABEL,
    Runner,
    RunnerError,
    refuse_numbers,
)
from seg_perception.inference.onnxruntime import read_contract
from seg_perception.inference.tensorrt.build import build_engine
from seg_perception.inference.tensorrt.flavour import TENSORRT, TENSORRT_RTX, load_flavour
from seg_perception.inference.tensorrt.options import BuildOptions

if TYPE_CHECKING:
    from seg_perception.inference.tensorrt.engine import Engine


class Plan(NamedTuple):
    """An engine as TensorRT writes it, and whether it is one that was kept."""

    content: bytes
    kept: bool


EngineSource = Callable[[Path, BuildOptions, str, 'bytes | None'], Plan]
"""Gives the engine of a model file, by options, for a runtime: builds it, or has it already. The
last argument is an engine that it gave and that is of no use."""


def build(model: Path, options: BuildOptions, runtime: str, _refused: bytes | None = None) -> Plan:
    """Build the engine, each time anew."""
    return Plan(build_engine(model, options, runtime=runtime), kept=False)


class TensorRtRunner(Runner):
    """Runs a model in TensorRT, with the finish on the GPU.

    More images than the largest batch of the engine are run one batch after the other.

    :param options: how the engine is built.
    :param source: where the engine comes from.
    """

    name = TENSORRT
    _loaded: Engine

    def __init__(
        self,
        path: str | Path,
        *,
        threads: int = 0,
        options: BuildOptions | None = None,
        source: EngineSource = build,
    ) -> None:
        super().__init__(path, threads=threads)
        self._options = options or BuildOptions()
        self._source = source

    @classmethod
    def check_machine(cls) -> None:
        """Check that there are a driver, a GPU, the runtime and the CUDA bindings."""
        load_flavour(cls.name)
        _cuda_bindings(cls.name)

    def _load(self) -> ModelContract:
        contract = read_contract(self.path)
        flavour = load_flavour(self.name)
        engine = _cuda_bindings(self.name)
        plan = self._source(self.path, self._options, self.name, None)
        try:
            self._loaded = engine(flavour, plan.content, contract)
        except RunnerError:
            if not plan.kept:
                raise
            # It may depend on more than anybody knows of, such as the driver.
            plan = self._source(self.path, self._options, self.name, plan.content)
            self._loaded = engine(flavour, plan.content, contract)
        return contract

    def _predict(self, images: npt.NDArray[np.uint8], want_confidence: bool) -> Prediction:
        names = [FINITE, LABEL, CONFIDENCE] if want_confidence else [FINITE, LABEL]
        started = time.perf_counter()
        outputs, copying = self._run(images, names)
        if not outputs[FINITE].all():
            refuse_numbers()
        seconds = time.perf_counter() - started - copying
        return Prediction(outputs[LABEL], outputs.get(CONFIDENCE), seconds * 1e3, copying * 1e3)

    def _logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        return self._run(images, [OUTPUT])[0][OUTPUT]

    def _run(
        self, images: npt.NDArray[np.uint8], names: Sequence[str]
    ) -> tuple[dict[str, npt.NDArray[Any]], float]:
        """Return copies of the named outputs, and the seconds that copying them took."""
        parts: list[dict[str, npt.NDArray[Any]]] = []
        copying = 0.0
        for first in range(0, len(images), self._loaded.batch):
            outputs = self._loaded.run(images[first : first + self._loaded.batch], names)
            done = time.perf_counter()
            parts.append({name: array.copy() for name, array in outputs.items()})
            copying += time.perf_counter() - done
        if len(parts) == 1:
            return parts[0], copying
        return {name: np.concatenate([part[name] for part in parts]) for name in names}, copying

    def _free(self) -> None:
        self._loaded.close()
        del self._loaded


class TensorRtRtxRunner(TensorRtRunner):
    """The same in TensorRT for RTX."""

    name = TENSORRT_RTX


def _cuda_bindings(runtime: str) -> type[Engine]:
    try:
        from seg_perception.inference.tensorrt.engine import Engine
    except ImportError as error:
        raise RunnerError(
            f'{runtime} needs the CUDA bindings of Python: {error}; `pip install cuda-python` of '
            "the driver's CUDA version (see nvidia-smi)"
        ) from error
    return Engine
