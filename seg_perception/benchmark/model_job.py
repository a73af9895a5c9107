"""A model in one runtime, in batches: what `benchmark model` measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seg_perception.benchmark.contest import Stages
from seg_perception.core.encodings import from_bgr
from seg_perception.inference.base import Runner
from seg_perception.inference.choice import create_runner

Image = npt.NDArray[np.uint8]


class ModelJob:
    """Runs batches of frames through an active runner.

    :param frames: uint8 [H, W, 3] each, RGB at network size.
    """

    def __init__(self, runner: Runner, frames: Sequence[Image], batch: int) -> None:
        self._runner = runner
        self._frames = frames
        self._batch = batch
        shifted = [
            np.stack([frames[(n + k) % len(frames)] for k in range(batch)]) for n in range(2)
        ]
        self._batches = cycle(shifted)

    def run(self) -> Stages:
        """Infer a batch."""
        prediction = self._runner.infer(next(self._batches))
        return {'infer': prediction.infer_ms, 'finish': prediction.finish_ms}

    def labels(self) -> Image:
        """Return the label of each frame, uint8 [F, h, w], at label size."""
        found = []
        for start in range(0, len(self._frames), self._batch):
            part = list(self._frames[start : start + self._batch])
            whole = part + [part[-1]] * (self._batch - len(part))
            found.append(self._runner.infer(np.stack(whole)).label[: len(part)])
        return np.concatenate(found)


@contextmanager
def open_model_job(
    backend: str, model: Path, frames: Sequence[Image], batch: int, threads: int = 0
) -> Iterator[ModelJob]:
    """Load a model in a runtime.

    :param frames: camera frames, uint8 [H, W, 3] BGR each.
    :raises RunnerError: when this machine lacks the runtime or it cannot run the model.
    """
    runner = create_runner(backend, model, threads=threads)
    runner.check_machine()
    with runner:
        size = runner.contract.size
        rgb = [np.ascontiguousarray(from_bgr(frame).rgb(size)) for frame in frames]
        yield ModelJob(runner, rgb, batch)
