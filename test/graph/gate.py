"""A network that works only while it is let."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from test.graph.spinner import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    import numpy.typing as npt
    import pytest
    from typing_extensions import Self

    from seg_perception.core.segmenter import Prediction
    from test.graph.bench import Bench


class Gate:
    """In front of a node's network: `begun` batches, each by its size, wait until it is open."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        runner = bench.node._runner
        assert runner is not None
        self._infer = runner.infer
        self._opened = threading.Event()
        self.begun: list[int] = []
        monkeypatch.setattr(runner, 'infer', self._wait)

    def await_batch(self, number: int) -> None:
        """Wait until the network is at that batch, counted from 1."""
        wait_until(lambda: len(self.begun) >= number, f'batch {number}')

    def open(self) -> None:
        """Let all pass."""
        self._opened.set()

    def close(self) -> None:
        """Let none pass."""
        self._opened.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open()

    def _wait(self, images: npt.NDArray[np.uint8], *, want_confidence: bool) -> Prediction:
        self.begun.append(len(images))
        assert self._opened.wait(PATIENCE_S)
        return self._infer(images, want_confidence=want_confidence)
