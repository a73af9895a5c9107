"""Engines from the cache; those that are not there are built in a process of their own."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

from seg_perception.core.contract import ModelContract
from seg_perception.files import sha256_of
from seg_perception.inference.base import ModelError, Progress
from seg_perception.inference.engine_build import TIMEOUT_S, run_build
from seg_perception.inference.engine_cache import EngineCache
from seg_perception.inference.engine_folder import EngineKey
from seg_perception.inference.onnxruntime import read_contract
from seg_perception.inference.tensorrt.build_process import Job
from seg_perception.inference.tensorrt.flavour import describe_platform, load_flavour
from seg_perception.inference.tensorrt.options import BuildOptions
from seg_perception.inference.tensorrt.runner import Plan

_log = logging.getLogger(__name__)


class CachedEngines:
    """A source of engines for runners.

    :param progress: told how far a build is, in the thread that wants the engine.
    :param cancelled: set from another thread, it ends a build or the waiting for one.
    """

    def __init__(
        self,
        cache: EngineCache,
        *,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._cache = cache
        self._progress = progress
        self._cancelled = cancelled or threading.Event()
        self._timeout_s = timeout_s

    def __call__(
        self, model: Path, options: BuildOptions, runtime: str, refused: bytes | None = None
    ) -> Plan:
        """Return the engine of a model file.

        :param refused: an engine that was returned and is of no use.
        :raises ModelError: when the file is missing, damaged, breaks the model contract, or
            changes meanwhile.
        :raises RunnerError: as `build_engine`, and when its process crashes or takes too long.
        :raises CancelledError: when `cancelled` was set.
        """
        contract = read_contract(model)
        options, key = engine_key(model, contract, options, runtime)
        about = {'model': contract.name, 'file': model.name}

        def build(notes: Path | None) -> bytes:
            begun = time.monotonic()
            if self._progress is None:
                _log.warning('%s: building an engine, which may take minutes', model)
            timings = notes / f'{key.runtime}-{key.version}.timings' if notes else None
            plan = run_build(
                Job(model, options, runtime, timings).command(),
                progress=self._progress,
                cancelled=self._cancelled,
                timeout_s=self._timeout_s,
            )
            if sha256_of(model) != key.model_sha256:
                raise ModelError(f'{model}: has changed while an engine was built of it; try again')
            about['build_seconds'] = f'{time.monotonic() - begun:.1f}'
            return plan

        def waiting() -> None:
            if self._progress is None:
                _log.warning('%s: waiting for the build of another process', model)
            else:
                self._progress(0.0, 'waiting for the build of another process')

        plan, found = self._cache.get(
            key,
            build,
            about=about,
            refused=refused,
            cancelled=self._cancelled,
            waiting=waiting,
        )
        return Plan(plan, kept=found)


def engine_key(
    model: Path, contract: ModelContract, options: BuildOptions, runtime: str
) -> tuple[BuildOptions, EngineKey]:
    """Return how the engine of a model file is built, and all that it depends on.

    For TensorRT for RTX all GPUs of one compute capability are the same, so that what was built
    elsewhere for this one is found.

    :raises RunnerError: when a driver, a GPU or the runtime is missing.
    """
    flavour = load_flavour(runtime, need_gpu=not options.compute_capabilities)
    if flavour.is_rtx and flavour.gpu is not None and not options.compute_capabilities:
        options = replace(options, compute_capabilities=(flavour.gpu.compute_capability,))
    derived = json.dumps(dict(contract.derived_from), sort_keys=True)
    images = contract.batch or (f'1-{options.batch}' if options.batch > 1 else 1)
    return options, EngineKey(
        model_sha256=sha256_of(model),
        precision=contract.precision,
        shape=f'{images}x{contract.height}x{contract.width}x3',
        calibration=hashlib.sha256(derived.encode()).hexdigest() if contract.derived_from else '',
        options=options.canonical(),
        **describe_platform(flavour, options),
    )
