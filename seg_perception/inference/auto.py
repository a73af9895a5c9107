"""Serves at once, on the CPU, and changes to a faster runtime when that is ready and trusted."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.agreement import Samples, check_agreement
from seg_perception.inference.base import Image, ModelError, Progress, Runner, RunnerError, Status
from seg_perception.inference.engine_folder import CancelledError

MakeRunner = Callable[[Progress, threading.Event], Runner]
"""Makes a runner that tells how far its activation is and ends it when the event is set."""

_MOST_FAILURES = 3

_log = logging.getLogger(__name__)


class AutoRunner(Runner):
    """Runs a model in the first of several runtimes, by preference, that works and is trusted.

    From `activate` on, `first` serves. Meanwhile a thread readies the others in turn, until one
    loads and labels the last few frames as `first` did; the next call of `infer` is the first to go
    through that one. A runtime that fails in service is tried again after a reload, but not for
    ever.

    :param first: makes the runner that serves at once.
    :param others: the runtimes that are preferred to it, the best first.
    :param min_agreement: share of pixels, 0 to 1, that must get the label they had from `first`.
    :raises ValueError: when `min_agreement` is out of range.
    """

    name = 'auto'
    _serving: Runner

    def __init__(
        self,
        path: str | Path,
        *,
        first: Callable[[], Runner],
        others: Mapping[str, MakeRunner],
        min_agreement: float = 0.98,
    ) -> None:
        super().__init__(path)
        if not 0 <= min_agreement <= 1:
            raise ValueError(f'min_agreement: expected 0 to 1, got {min_agreement}')
        self._first = first
        self._others = others
        self._min_agreement = min_agreement
        self._failures: Counter[str] = Counter()
        self._status = Status()

    @property
    def status(self) -> Status:
        """What the runner is up to; may be asked from any thread."""
        return self._status

    def _load(self) -> ModelContract:
        serving = self._first()
        serving.activate()
        self._serving, self.name = serving, serving.name
        self._samples, self._cancelled = Samples(), threading.Event()
        self._ready: Runner | None = None
        self._swapped = threading.Event()
        self._status = Status(serving.name)
        queue = self._present()
        self._thread = threading.Thread(
            target=self._prepare, args=(queue, serving.contract), name='runtime', daemon=True
        )
        self._thread.start()
        return serving.contract

    def _present(self) -> dict[str, Runner]:
        """Return the preferred runtimes that this machine has; the others are passed over."""
        # Here and not in the thread: importing a large library would hold up frames.
        found: dict[str, Runner] = {}
        for name, make in self._others.items():
            try:
                runner = make(self._tell, self._cancelled)
                runner.check_machine()
            except RunnerError as error:
                self._pass_over(name, str(error))
            except Exception as error:  # noqa: BLE001  (a broken installation raises what it likes)
                self._pass_over(name, repr(error), fault=True)
            else:
                found[name] = runner
        return found

    def _predict(self, images: Image, want_confidence: bool) -> Prediction:
        self._swap()
        serving = self._serving
        try:
            prediction = serving.infer(images, want_confidence=want_confidence)
        except RunnerError:
            self._failures[serving.name] += 1
            raise
        if self._thread.is_alive() and not self._swapped.is_set():
            self._samples.offer(images, prediction.label)
        return prediction

    def _logits(self, images: Image) -> npt.NDArray[np.float32]:
        self._swap()
        return self._serving.logits(images)

    def _free(self) -> None:
        self._cancelled.set()
        self._samples.close()
        self._swapped.set()
        self._thread.join()
        for runner in (self._serving, self._ready):
            if runner is not None:
                runner.deactivate()
        del self._serving, self._ready
        self._status = Status()

    def _swap(self) -> None:
        # In the thread that infers: a frame is before the swap or after it.
        if self._ready is not None:
            self._serving, self._ready = self._ready, None
            self.name = self._serving.name
            self._status = replace(
                self._status, serving=self.name, preparing='', doing='', share=None
            )
            self._swapped.set()

    def _prepare(self, queue: Mapping[str, Runner], contract: ModelContract) -> None:
        first = self._serving
        for name, runner in queue.items():
            if self._failures[name] >= _MOST_FAILURES:
                self._pass_over(name, f'it failed {_MOST_FAILURES} times in service', fault=True)
                continue
            self._status = replace(self._status, preparing=name, doing='loading', share=None)
            try:
                agreement = self._load_and_check(runner, contract)
            except CancelledError:
                return
            except Exception as error:  # noqa: BLE001  (whatever a runtime raises: frames go on)
                told = isinstance(error, (ModelError, RunnerError)) and str(error)
                runner.deactivate()
                self._pass_over(name, told or repr(error), fault=True)
                continue
            self._status = replace(self._status, agreement=agreement)
            self._ready = runner
            self._swapped.wait()
            if self._serving is runner:
                first.deactivate()
            return
        self._status = replace(self._status, preparing='', doing='', share=None)

    def _load_and_check(self, runner: Runner, contract: ModelContract) -> float:
        runner.activate()
        if runner.contract != contract:
            raise ModelError(f'{self.path}: has changed since it was loaded; load it again')
        self._status = replace(self._status, doing='checking', share=None)
        samples = self._samples.wait()
        if self._cancelled.is_set():
            runner.deactivate()
            raise CancelledError('stopped before it was checked')
        return check_agreement(runner, samples, self._min_agreement)

    def _tell(self, share: float, phase: str) -> None:
        _log.debug('%s %.0f %%: %s', self._status.preparing, 100 * share, phase)
        self._status = replace(self._status, doing='building', share=share)

    def _pass_over(self, name: str, reason: str, *, fault: bool = False) -> None:
        passed_over = {**self._status.passed_over, name: reason}
        sentence = f'{name} is not used: {reason}' if fault else self._status.fault
        self._status = replace(self._status, passed_over=passed_over, fault=sentence)
