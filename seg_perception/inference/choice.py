"""Which runtime runs a model, and whether a model is the one that is wanted."""

from __future__ import annotations

import importlib
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import LabelSet
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.auto import AutoRunner
from seg_perception.inference.base import Image, ModelError, Progress, Runner, RunnerError
from seg_perception.inference.engine_cache import EngineCache, EngineSettings
from seg_perception.resources import bundled_model

# By preference. Each is its own module, imported only when it is used, so that a missing runtime is
# no obstacle to the others.
_RUNTIMES = {
    'tensorrt': ('seg_perception.inference.tensorrt.runner', 'TensorRtRunner'),
    'tensorrt_rtx': ('seg_perception.inference.tensorrt.runner', 'TensorRtRtxRunner'),
    'onnxruntime_cuda': ('seg_perception.inference.onnxruntime_cuda', 'OnnxRuntimeCudaRunner'),
    'onnxruntime': ('seg_perception.inference.onnxruntime', 'OnnxRuntimeRunner'),
}

BACKENDS = ('auto', *_RUNTIMES)
ENGINE_BACKENDS = ('tensorrt', 'tensorrt_rtx')
"""Those that build an engine of a model before they can run it."""

# Serves without delay on any machine.
_FIRST = 'onnxruntime'


def create_runner(
    backend: str = 'auto',
    model: str | Path | None = None,
    *,
    threads: int = 0,
    batch: int = 1,
    engines: EngineSettings | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Runner:
    """Return a runner, not yet active, for a model file.

    :param backend: one of `BACKENDS`; `auto` is a `PreferredRunner`.
    :param model: path of an ONNX file that keeps the model contract; None: the bundled model.
    :param threads: CPU threads for one inference; 0 takes one for each core.
    :param batch: images that an engine takes at once, where the model leaves that open; of more it
        runs several batches.
    :param engines: how engines are built and kept.
    :param progress: told how far the build of an engine is, in the thread that activates.
    :param cancelled: set from another thread, it ends a build.
    :raises RunnerError: when there is no such backend or its runtime is not installed.
    :raises ValueError: when `threads` is negative.
    :raises FileNotFoundError: when no model is given and none is bundled.
    """
    if backend not in BACKENDS:
        raise RunnerError(f'backend: expected one of {", ".join(BACKENDS)}, got {backend!r}')
    engines = engines or EngineSettings()
    model = bundled_model() if model is None else model
    if backend == 'auto':
        return PreferredRunner(model, threads=threads, batch=batch, engines=engines)
    more: dict[str, Any] = {}
    module, runner = _RUNTIMES[backend]
    try:
        if backend in ENGINE_BACKENDS:
            more = _engine_arguments(engines, batch, progress, cancelled)
        runtime: type[Runner] = getattr(importlib.import_module(module), runner)
    except ImportError as error:
        raise _not_installed(backend, [f'{backend} ({error})']) from error
    return runtime(model, threads=threads, **more)


def create_serving_runner(
    backend: str,
    model: str | Path,
    *,
    threads: int = 0,
    batch: int = 1,
    engines: EngineSettings | None = None,
    min_agreement: float = 0.98,
) -> Runner:
    """Return a runner, not yet active, for frames that come in while engines are still built.

    As `create_runner`, but `auto` is an `AutoRunner`: it serves at once.

    :param min_agreement: share of pixels, 0 to 1, that a runtime must label as the CPU does.
    """
    create = partial(create_runner, model=model, threads=threads, batch=batch, engines=engines)
    if backend != 'auto':
        return create(backend)

    def make(name: str, progress: Progress, cancelled: threading.Event) -> Runner:
        return create(name, progress=progress, cancelled=cancelled)

    return AutoRunner(
        model,
        first=partial(create, _FIRST),
        others={name: partial(make, name) for name in _RUNTIMES if name != _FIRST},
        min_agreement=min_agreement,
    )


class PreferredRunner(Runner):
    """Runs a model in the first runtime, by preference, that this machine has and that takes it.

    For work that must not change its runtime half-way; an engine is built first if there is none.
    The choice is made anew by every `activate`. `name` is that of the runtime, `passed_over` tells
    why it was none before it. A model file that is missing or breaks the contract is an error of
    its own, whatever the runtime.
    """

    name = 'auto'
    _runner: Runner

    def __init__(
        self,
        path: str | Path,
        *,
        threads: int = 0,
        batch: int = 1,
        engines: EngineSettings | None = None,
    ) -> None:
        super().__init__(path, threads=threads)
        self._batch = batch
        self._engines = engines

    def _load(self) -> ModelContract:
        reasons: dict[str, str] = {}
        for backend in _RUNTIMES:
            try:
                runner = create_runner(
                    backend,
                    self.path,
                    threads=self.threads,
                    batch=self._batch,
                    engines=self._engines,
                )
                runner.check_machine()
                runner.activate()
            except RunnerError as error:
                reasons[backend] = str(error)
            else:
                self._runner, self.name, self.passed_over = runner, runner.name, reasons
                return runner.contract
        raise _not_installed(
            'auto', [f'{backend} ({reason})' for backend, reason in reasons.items()]
        )

    def _predict(self, images: Image, want_confidence: bool) -> Prediction:
        return self._runner.infer(images, want_confidence=want_confidence)

    def _logits(self, images: Image) -> npt.NDArray[np.float32]:
        return self._runner.logits(images)

    def _free(self) -> None:
        self._runner.deactivate()
        del self._runner


def read_contract(model: str | Path) -> ModelContract:
    """Read what a model file says of itself, without preparing it to run.

    :raises ModelError: when the file is missing, damaged or breaks the model contract.
    :raises RunnerError: when no runtime is installed.
    """
    try:
        from seg_perception.inference.onnxruntime import read_contract as read
    except ImportError as error:
        raise _not_installed('onnxruntime', [f'onnxruntime ({error})']) from error
    return read(model)


def check_labels(contract: ModelContract, labels: LabelSet) -> None:
    """Check that a model's classes are those of the label set in use, in order.

    Colours may differ: the label set's are used.

    :raises ModelError: naming the first difference.
    """
    for train_id in range(max(len(contract.labels), len(labels.labels))):
        pair = [
            f'{listed[train_id].name} (id {listed[train_id].id})'
            if train_id < len(listed)
            else 'no class'
            for listed in (labels.labels, contract.labels)
        ]
        if pair[0] != pair[1]:
            raise ModelError(
                f'model {contract.name} (label set {contract.label_set}): expected {pair[0]} as '
                f'class {train_id} as in label set {labels.name}, got {pair[1]}; '
                "choose the model's label set or a model of this one"
            )


def _engine_arguments(
    engines: EngineSettings,
    batch: int,
    progress: Progress | None,
    cancelled: threading.Event | None,
) -> dict[str, Any]:
    from seg_perception.inference.tensorrt.cached import CachedEngines
    from seg_perception.inference.tensorrt.options import BuildOptions

    source = CachedEngines(EngineCache(engines), progress=progress, cancelled=cancelled)
    return {'options': BuildOptions(batch=batch, tf32=engines.tf32), 'source': source}


def _not_installed(backend: str, missing: list[str]) -> RunnerError:
    return RunnerError(
        f'backend {backend}: expected a runtime that works, got none: {", ".join(missing)}; '
        'install one, for example with `pip install onnxruntime`'
    )
