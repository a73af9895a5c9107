"""What processes that share an engine cache do, for tests that kill them."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from seg_perception.inference.engine_build import run_build
from seg_perception.inference.engine_cache import EngineCache, EngineSettings
from seg_perception.inference.engine_folder import EngineKey


def key_of(name: str) -> EngineKey:
    """Return a key of an engine of that name."""
    return EngineKey(
        model_sha256=hashlib.sha256(name.encode()).hexdigest(),
        precision='fp32',
        shape='1x360x640x3',
        calibration='',
        options='{"batch":1}',
        runtime='tensorrt',
        version='10.3.0',
        machine='aarch64',
        gpu='Orin (nvgpu)',
        compute_capability='8.7',
    )


def cache_in(folder: Path, limit_mib: int = 4096) -> EngineCache:
    """Return the cache in a folder."""
    return EngineCache(EngineSettings(folder, limit_mib))


def use(
    folder: Path,
    name: str,
    command: list[str],
    answers: SimpleQueue[Any],
    largest_file: int | None = None,
) -> None:
    """Get an engine in a process of its own, and answer its sha256 and whether it was found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:0] = [str(Path(__file__).parents[2])]
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    plan, found = cache_in(folder).get(key_of(name), lambda _: run_build(command))
    answers.put((os.getpid(), hashlib.sha256(plan).hexdigest(), found))
