"""A runner that outlives its own failures: for streams of frames that nobody can ask again."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import LabelSet
from seg_perception.core.segmenter import Prediction
from seg_perception.inference.base import Image, ModelError, Runner, Status
from seg_perception.inference.choice import check_labels

_MAX_PAUSE_S = 30.0


class InferenceError(RuntimeError):
    """The network failed on this frame, is down after a failure, or has changed under it."""


class SupervisedRunner:
    """Keeps a runner at work: one that fails is loaded anew, with growing pauses.

    Made loaded and checked, or not at all. It serves one thread at a time; what it tells of itself
    may be asked from any.

    :param runner: not yet active; it is this object's from now on.
    :param labels: the classes that the model must have, in order.
    :param clock: seconds that never go back.
    :raises ModelError: when the model file is missing, damaged or of other labels.
    :raises RunnerError: when the runtime cannot run it.
    """

    def __init__(
        self, runner: Runner, labels: LabelSet, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runner = runner
        self._labels = labels
        self._clock = clock
        self._pause = 0.0
        self._retry_at = 0.0
        self.failure = ''
        """Why the network is failing; empty while it works."""
        self.contract: ModelContract = self._load()
        """Of the model that was last loaded: after a reload it may be another."""

    @property
    def model(self) -> str:
        """The model's name."""
        return self.contract.name

    @property
    def backend(self) -> str:
        """The runtime that the last frame went through."""
        return self._runner.name

    @property
    def status(self) -> Status:
        """What is in service, and what is being prepared to take over."""
        return self._runner.status

    def close(self) -> None:
        """Free the model."""
        self._runner.deactivate()

    def infer(self, images: Image, *, want_confidence: bool = True) -> Prediction:
        """Segment any number of images, as few batches as the model allows.

        A batch that the model wants full is filled up with its last image.

        :param images: uint8 [N, H, W, 3], RGB, contiguous, N from 1, at the size of `contract`.
        :raises InferenceError: when the network fails, now or still, or was reloaded and takes
            images of another size now.
        """
        if self.failure and self._clock() < self._retry_at:
            raise InferenceError(f'the network is down until it is reloaded: {self.failure}')
        try:
            if self.failure:
                self._runner.deactivate()
                self.contract = self._load()
            if images.shape[1:3] == self.contract.size[::-1]:
                prediction = self._infer(images, want_confidence)
                self.failure = ''
                return prediction
        except Exception as error:  # whatever a runtime raises: its user must outlive it
            # The first reload comes with the next frame, later ones after 1, 2, 4, … s.
            self._pause = min(max(2 * self._pause, 1.0), _MAX_PAUSE_S) if self.failure else 0.0
            self._retry_at = self._clock() + self._pause
            self.failure = f'{type(error).__name__}: {error}'
            raise InferenceError(
                f'the network failed and will be reloaded: {self.failure}'
            ) from error
        self.failure = ''
        width, height = self.contract.size
        raise InferenceError(
            f'images: expected {width}x{height} as model {self.model} takes them, got '
            f'{images.shape[2]}x{images.shape[1]}; prepare them for the model that is loaded'
        )

    def _load(self) -> ModelContract:
        self._runner.activate()
        try:
            check_labels(self._runner.contract, self._labels)
        except ModelError:
            self._runner.deactivate()
            raise
        return self._runner.contract

    def _infer(self, images: Image, want_confidence: bool) -> Prediction:
        count, batch = len(images), self.contract.batch
        if batch is None or batch == count:
            return self._runner.infer(images, want_confidence=want_confidence)
        parts = []
        for first in range(0, count, batch):
            part = images[first : first + batch]
            if len(part) < batch:
                part = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
            parts.append(self._runner.infer(part, want_confidence=want_confidence))
        confidence = [part.confidence for part in parts if part.confidence is not None]
        return Prediction(
            label=np.concatenate([part.label for part in parts])[:count],
            confidence=np.concatenate(confidence)[:count] if confidence else None,
            infer_ms=sum(part.infer_ms for part in parts),
            finish_ms=sum(part.finish_ms for part in parts),
        )
