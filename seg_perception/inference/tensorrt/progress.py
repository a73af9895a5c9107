"""How far a build has come, as one number."""

from __future__ import annotations

from typing import Any

from seg_perception.inference.base import Progress


class Phases:
    """Makes one number of TensorRT's nested phases: each is one step of the phase it is in."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._running: list[list[Any]] = []  # name, steps, steps done
        self._share = 0.0

    def start(self, phase: str, steps: int) -> None:
        """Begin a phase within the one that was begun last."""
        self._running.append([phase, max(steps, 1), 0])
        self._tell()

    def step(self, phase: str, step: int) -> None:
        """Tell that a step, counted from 0, is done."""
        for entry in self._running:
            if entry[0] == phase:
                entry[2] = min(step + 1, entry[1])
        self._tell()

    def finish(self, phase: str) -> None:
        """End a phase."""
        self._running = [entry for entry in self._running if entry[0] != phase]
        if self._running:
            self._tell()
        else:
            self._progress(1.0, phase)

    def _tell(self) -> None:
        share, width = 0.0, 1.0
        for _, steps, done in self._running:
            width /= steps
            share += width * min(done, steps - 1)
        self._share = max(self._share, share)
        self._progress(self._share, self._running[-1][0] if self._running else '')


def monitor(trt: Any, progress: Progress) -> Any:
    """Return TensorRT's monitor that tells `progress`, or None where it has none (before 10)."""
    base: Any = getattr(trt, 'IProgressMonitor', None)
    if base is None:
        return None
    phases = Phases(progress)

    class Native(base):
        def __init__(self) -> None:
            base.__init__(self)

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:  # noqa: ARG002
            phases.start(phase, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            phases.step(phase, step)
            return True  # go on

        def phase_finish(self, phase: str) -> None:
            phases.finish(phase)

    return Native()
