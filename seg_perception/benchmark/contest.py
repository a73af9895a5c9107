"""Contestants, each in a process of its own, that take turns in shuffled rounds.

So each has its own memory, threads and libraries, and what one leaves behind meets no other.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from seg_perception.benchmark.gpu import GpuUse, GpuWatch
from seg_perception.benchmark.pacing import Paced, offer
from seg_perception.benchmark.statistics import shuffled

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import TracebackType

    from typing_extensions import Self

Stages = Mapping[str, float]
Result = TypeVar('Result')

_MIB = 1 << 20
_FEWEST_CALLS = 3


class Job(Protocol):
    """The work of a contestant, in its process."""

    def run(self) -> Stages:
        """Do it once, on the next frame; returns the milliseconds of each stage."""

    def labels(self) -> npt.NDArray[np.uint8]:
        """Return the label of each frame, uint8 [F, H, W]."""


@dataclass(frozen=True)
class Entry:
    """A contestant: its name and how its job is made, which must be picklable."""

    name: str
    make: Callable[[], AbstractContextManager[Job]]


@dataclass(frozen=True)
class Round:
    """One turn of a contestant.

    :ivar total_ms: of each call.
    :ivar stage_ms: median of each stage.
    :ivar cores: CPU time over wall time: 2.0 is two cores all the time.
    :ivar peak_mib: most memory the process has had so far (resident, of the host).
    :ivar span: when it began and ended, by `time.monotonic`.
    """

    total_ms: tuple[float, ...]
    stage_ms: Mapping[str, float]
    cores: float
    peak_mib: float
    span: tuple[float, float]


class ContestantError(RuntimeError):
    """A contestant cannot take part, or failed; the text says why."""


class Contestant:
    """An entry in its own process, from the start until `close`.

    :ivar load_s: how long making its job and the first call took.
    :ivar gpu_mib: GPU memory that this took; None where that is not known.
    :raises ContestantError: when the job cannot be made.
    """

    def __init__(self, entry: Entry, gpu: GpuWatch) -> None:
        self.name = entry.name
        context = multiprocessing.get_context('spawn')
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, entry.make), daemon=True)
        before = time.monotonic()
        self._process.start()
        theirs.close()
        try:
            self.load_s: float = self._answer()
        except ContestantError:
            self.close()
            raise
        self.gpu_mib = _memory_taken(gpu, before)

    def ask(self, question: Callable[[Job], Result]) -> Result:
        """Return what a function, which must be picklable, makes of the job in its process.

        :raises ContestantError: when it fails there or the process has died.
        """
        self._connection.send(question)
        answer: Result = self._answer()
        return answer

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _answer(self) -> Any:
        try:
            failure, value = self._connection.recv()
        except EOFError:
            self._process.join()
            raise ContestantError(
                f'{self.name}: its process ended with status {self._process.exitcode}'
            ) from None
        if failure:
            raise ContestantError(failure)
        return value


class Contest:
    """Starts all entries that can take part, one after the other; ends them at the exit.

    :ivar absent: the others, and why.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self.present: list[Contestant] = []
        self.absent: dict[str, str] = {}
        self.gpu = GpuWatch()

    def __enter__(self) -> Self:
        self.gpu.__enter__()
        for entry in tqdm(
            self._entries, desc='loading', unit='contestant', leave=False, disable=None
        ):
            try:
                self.present.append(Contestant(entry, self.gpu))
            except ContestantError as error:
                self.absent[entry.name] = str(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for contestant in self.present:
            contestant.close()
        self.gpu.__exit__(kind, error, trace)

    def in_turns(
        self, runs: int, ask: Callable[[Contestant], Result], what: str
    ) -> dict[str, list[Result]]:
        """Ask every contestant once a run, in another order each time; answers by name."""
        answers: dict[str, list[Result]] = {contestant.name: [] for contestant in self.present}
        with tqdm(
            total=runs * len(self.present), desc=what, unit='turn', leave=False, disable=None
        ) as bar:
            for order in shuffled(len(self.present), runs):
                for number in order:
                    contestant = self.present[number]
                    bar.set_postfix_str(contestant.name)
                    answers[contestant.name].append(ask(contestant))
                    bar.update()
        return answers

    def use_in(self, rounds: Sequence[Round]) -> GpuUse | None:
        """Return the mean use of the GPU in rounds; None where that is not known."""
        uses = [use for turn in rounds if (use := self.gpu.between(*turn.span)) is not None]
        return GpuUse.mean(uses)


def timed_round(job: Job, seconds: float) -> Round:
    """Call a job again and again for a while, thrice at least."""
    totals: list[float] = []
    stages: list[Stages] = []
    began, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds or len(totals) < _FEWEST_CALLS:
        start = time.perf_counter()
        stages.append(job.run())
        totals.append((time.perf_counter() - start) * 1e3)
    ended = time.monotonic()
    return Round(
        tuple(totals),
        {name: float(np.median([stage[name] for stage in stages])) for name in stages[0]},
        (time.process_time() - cpu) / (ended - began),
        peak_memory_mib(),
        (began, ended),
    )


def paced_round(job: Job, rate: float, seconds: float) -> Paced:
    """Offer a job frames at a rate, in Hz."""
    return offer(job.run, rate, seconds)


def labels_of(job: Job) -> npt.NDArray[np.uint8]:
    """Return a job's labels."""
    return job.labels()


def peak_memory_mib() -> float:
    """Return the most host memory that this process has had, resident, in MiB.

    From /proc: `getrusage` would count the process that started this one, too.
    """
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) * 1024 / _MIB


def _memory_taken(gpu: GpuWatch, started: float) -> float | None:
    before = gpu.between(started - 0.5, started)
    # The report is a moment late.
    time.sleep(0.25 if before else 0)
    after = gpu.between(time.monotonic() - 0.15, time.monotonic())
    return after.memory_mib - before.memory_mib if before and after else None


def _serve(connection: Connection, make: Callable[[], AbstractContextManager[Job]]) -> None:
    started = time.perf_counter()
    try:
        with make() as job:
            job.run()
            connection.send(('', time.perf_counter() - started))
            while True:
                question = connection.recv()
                connection.send(('', question(job)))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return  # who asked is gone
    except Exception as error:  # noqa: BLE001  (whatever a runtime raises is the answer)
        connection.send((f'{type(error).__name__}: {error}', None))
