"""Models in every runtime, in batches, beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.benchmark.contest import (
    Contest,
    Contestant,
    Entry,
    Round,
    labels_of,
    timed_round,
)
from seg_perception.benchmark.frames import Frames
from seg_perception.benchmark.gpu import GpuUse
from seg_perception.benchmark.model_job import open_model_job
from seg_perception.benchmark.statistics import Latency, Spread
from seg_perception.core.confusion import Confusion
from seg_perception.core.contract import ModelContract
from seg_perception.inference.choice import read_contract

Image = npt.NDArray[np.uint8]

REFERENCE = 'onnxruntime'
"""The runtime, on the CPU, that ratios and labels are compared with."""


@dataclass(frozen=True)
class Settings:
    """How to measure: runtimes, sizes of batches, CPU threads, rounds and their length."""

    backends: tuple[str, ...]
    batches: tuple[int, ...]
    threads: int
    runs: int
    seconds: float


@dataclass(frozen=True)
class RuntimeResult:
    """A model in one runtime.

    :ivar load_s: from nothing to the first result; builds an engine where there is none.
    :ivar latency_ms: of a batch, over all calls of all rounds.
    :ivar p50_ms: median of each round, over the rounds.
    :ivar images_per_s: over the rounds.
    :ivar host_mib: most resident memory of the process, Python and all.
    :ivar gpu_mib: GPU memory that loading took; None where that is not known.
    :ivar cores: CPU time over wall time.
    :ivar gpu: mean use in the rounds; None where that is not known.
    :ivar agreement: share of pixels with the reference's label.
    :ivar miou: on the frames' truth; None where no class is labelled.
    """

    load_s: float
    latency_ms: Latency
    p50_ms: Spread
    images_per_s: Spread
    host_mib: float
    gpu_mib: float | None
    cores: Spread
    gpu: GpuUse | None
    agreement: float
    miou: float | None


@dataclass(frozen=True)
class ModelResult:
    """A model file at one size of batch; `reference` is the file whose labels are compared with."""

    model: str
    precision: str
    size: tuple[int, int]
    batch: int
    reference: str
    frames: str
    runtimes: Mapping[str, RuntimeResult]
    absent: Mapping[str, str]

    @property
    def title(self) -> str:
        """What tells it from the others."""
        width, height = self.size
        return f'{self.model}, {width}x{height}, {self.precision}, batch {self.batch}'


def measure_models(models: Sequence[Path], settings: Settings, frames: Frames) -> list[ModelResult]:
    """Measure each file at each size of batch that it takes.

    :raises ModelError: when a file is missing, damaged or breaks the model contract.
    """
    contracts = {path: read_contract(path) for path in models}
    results = []
    for path, contract in contracts.items():
        reference = reference_file(path, contracts)
        with open_model_job(
            REFERENCE, reference, frames.bgr, contracts[reference].batch or 1
        ) as job:
            expected = job.labels()
        batches = settings.batches if contract.batch is None else (contract.batch,)
        results += [
            _measure(
                path,
                contract,
                batch,
                settings,
                frames=frames,
                reference=(reference.name, expected),
            )
            for batch in batches
        ]
    return results


def reference_file(path: Path, contracts: Mapping[Path, ModelContract]) -> Path:
    """Return the FP32 file that a file is compared with: of the same network, else itself."""
    own = contracts[path]
    for other, contract in contracts.items():
        same = (contract.architecture, contract.size, contract.label_size, contract.labels) == (
            own.architecture,
            own.size,
            own.label_size,
            own.labels,
        )
        if same and contract.precision == 'fp32' and own.precision != 'fp32':
            return other
    return path


def _measure(
    path: Path,
    contract: ModelContract,
    batch: int,
    settings: Settings,
    *,
    frames: Frames,
    reference: tuple[str, Image],
) -> ModelResult:
    entries = [
        Entry(
            backend,
            partial(open_model_job, backend, path, frames.bgr, batch, settings.threads),
        )
        for backend in settings.backends
    ]
    name, expected = reference
    with Contest(entries) as contest:
        labels = {contestant.name: contestant.ask(labels_of) for contestant in contest.present}
        rounds = contest.in_turns(
            settings.runs,
            lambda contestant: contestant.ask(partial(timed_round, seconds=settings.seconds)),
            f'{path.name}, batch {batch}',
        )
        return ModelResult(
            model=path.name,
            precision=contract.precision,
            size=contract.size,
            batch=batch,
            reference=name,
            frames=frames.name,
            runtimes={
                contestant.name: _result(
                    contestant,
                    rounds[contestant.name],
                    batch,
                    gpu=contest.use_in(rounds[contestant.name]),
                    agreement=float(np.mean(labels[contestant.name] == expected)),
                    miou=_miou(labels[contestant.name], frames.truth, len(contract.labels)),
                )
                for contestant in contest.present
            },
            absent=contest.absent,
        )


def _result(
    contestant: Contestant,
    rounds: Sequence[Round],
    batch: int,
    *,
    gpu: GpuUse | None,
    agreement: float,
    miou: float | None,
) -> RuntimeResult:
    medians = [float(np.median(turn.total_ms)) for turn in rounds]
    return RuntimeResult(
        load_s=contestant.load_s,
        latency_ms=Latency.of([time for turn in rounds for time in turn.total_ms]),
        p50_ms=Spread.of(medians),
        images_per_s=Spread.of(
            [1e3 * batch * len(turn.total_ms) / sum(turn.total_ms) for turn in rounds]
        ),
        host_mib=max(turn.peak_mib for turn in rounds),
        gpu_mib=contestant.gpu_mib,
        cores=Spread.of([turn.cores for turn in rounds]),
        gpu=gpu,
        agreement=agreement,
        miou=miou,
    )


def _miou(labels: Image, truth: Sequence[Image], classes: int) -> float | None:
    confusion = Confusion(classes)
    for label, true in zip(labels, truth, strict=True):
        height, width = true.shape
        large = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        confusion.add(true, np.asarray(large, np.uint8))
    return confusion.mean_iou()
