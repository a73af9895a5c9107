"""A runner that is ready late: its model comes out of a build process and the engine cache."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.inference.base import Progress, RunnerError
from seg_perception.inference.engine_build import run_build
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from test.inference.cache_user import cache_in, key_of
from test.inference.slow_builder import slow_build


class LateRunner(OnnxRuntimeRunner):
    """ONNX Runtime with a model that a slow process delivers.

    :param engine: the model file that it delivers, of the same contract as that at `path`.
    :param seconds: for how long it builds.
    :param slow: for how long, in seconds, its device takes for a frame besides.
    """

    name = 'late'

    def __init__(
        self,
        path: Path,
        engine: Path,
        progress: Progress,
        cancelled: threading.Event,
        *,
        seconds: float = 1.0,
        cache: Path,
        missing: str = '',
        slow: float = 0.0,
        **wrong: Any,
    ) -> None:
        super().__init__(path, threads=1)
        self._engine, self._seconds, self._wrong = engine, seconds, wrong
        self._progress, self._cancelled, self._cache = progress, cancelled, cache
        self.missing, self._slow = missing, slow
        self.threads_seen: set[int] = set()
        self.fails = False

    def check_machine(self) -> None:  # type: ignore[override]  # differs from test to test
        if self.missing:
            raise RunnerError(self.missing)

    def _load(self) -> ModelContract:
        plan, _ = cache_in(self._cache).get(
            key_of(self.name),
            lambda _: run_build(
                slow_build(self._engine, self._seconds, **self._wrong),
                progress=self._progress,
                cancelled=self._cancelled,
            ),
            cancelled=self._cancelled,
        )
        with tempfile.TemporaryDirectory() as folder:
            given, self.path = self.path, Path(folder) / 'engine.onnx'
            self.path.write_bytes(plan)
            try:
                return super()._load()
            finally:
                self.path = given

    def _logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        self.threads_seen.add(threading.get_ident())
        if self.fails:
            raise RunnerError('the device is lost')
        time.sleep(self._slow)
        return super()._logits(images)
