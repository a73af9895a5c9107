"""What the GPU is doing, as its driver's own program reports it; nothing where that is missing."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_PROGRAM = 'nvidia-smi'
_FIELDS = 'utilization.gpu,power.draw,memory.used'
_PERIOD_MS = 100


@dataclass(frozen=True)
class GpuUse:
    """Means over a span of time: use in %, power in W, all memory in use in MiB."""

    percent: float
    watts: float
    memory_mib: float

    @classmethod
    def mean(cls, uses: Sequence[GpuUse]) -> GpuUse | None:
        """Return the mean of several; None of none."""
        if not uses:
            return None
        return cls(
            fmean(use.percent for use in uses),
            fmean(use.watts for use in uses),
            fmean(use.memory_mib for use in uses),
        )


class GpuWatch:
    """Samples the first GPU while it is open; without `nvidia-smi` there are no samples."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, GpuUse]] = []
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        if shutil.which(_PROGRAM):
            self._process = subprocess.Popen(
                [
                    _PROGRAM,
                    '--id=0',
                    f'--query-gpu={_FIELDS}',
                    '--format=csv,noheader,nounits',
                    f'--loop-ms={_PERIOD_MS}',
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._thread.join()

    def between(self, start: float, end: float) -> GpuUse | None:
        """Return the means from `start` to `end`, of `time.monotonic`; None without a sample."""
        return GpuUse.mean([use for at, use in self._samples if start <= at <= end])

    def _read(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        for line in self._process.stdout:
            if (use := parse(line)) is not None:
                self._samples.append((time.monotonic(), use))


def parse(line: str) -> GpuUse | None:
    """Return a line of the report; None where it is no numbers, as on a GPU that hides them."""
    try:
        percent, watts, memory = (float(field) for field in line.split(','))
    except ValueError:
        return None
    return GpuUse(percent, watts, memory)
