"""What the settings choose: the runner, and how its threads run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seg_perception.inference.choice import create_serving_runner
from seg_perception.inference.engine_cache import EngineSettings
from seg_perception.inference.supervised import SupervisedRunner
from seg_perception.resources import bundled_model
from seg_perception.ros.thread_policy import ThreadPolicy, parse_cpus

if TYPE_CHECKING:
    from seg_perception.core.labels import LabelSet
    from seg_perception.ros.settings import Settings


def load_runner(settings: Settings, labels: LabelSet, cameras: int) -> SupervisedRunner:
    """Load the model, for so many cameras.

    :raises ModelError: when the model file is missing, damaged or of other labels.
    :raises RunnerError: when the runtime cannot run it.
    """
    folder = settings.engine_cache_dir
    runner = create_serving_runner(
        settings.backend,
        Path(settings.model).expanduser() if settings.model else bundled_model(),
        # Without a number, ONNX Runtime would bind its threads to all cores by itself.
        threads=settings.threads or len(parse_cpus(settings.cpu_affinity)),
        batch=min(settings.max_batch or cameras, cameras),
        engines=EngineSettings(
            folder=Path(folder) if folder else None,
            limit_mib=settings.engine_cache_mib,
            tf32=settings.precision == 'tf32',
        ),
        min_agreement=settings.min_agreement,
    )
    return SupervisedRunner(runner, labels)


def thread_policy(settings: Settings) -> ThreadPolicy:
    """Return how the threads that carry frames run.

    :raises ThreadPolicyError: when the list of CPUs is none.
    """
    return ThreadPolicy(
        cpus=parse_cpus(settings.cpu_affinity),
        scheduling=settings.scheduling,
        priority=settings.priority,
        nice=settings.nice,
    )
