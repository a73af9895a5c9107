"""The run so far in one line of text."""

from __future__ import annotations

import shutil
import sys
import time

from seg_perception.demo.summary import Summary

_ON_TERMINAL_S = 0.5
_ELSEWHERE_S = 5.0


class ProgressLine:
    """Refreshed in place on a terminal; elsewhere a new line every few seconds."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to show the line again."""
        return time.monotonic() >= self._next

    def show(self, summary: Summary, seconds: float, *, last: bool = False) -> None:
        """Print the line."""
        self._next = time.monotonic() + (_ON_TERMINAL_S if self._in_place else _ELSEWHERE_S)
        line = progress_line(summary, seconds)
        if self._in_place:
            line = '\r\x1b[2K' + line[: shutil.get_terminal_size().columns - 1]
        print(line, end='\n' if last or not self._in_place else '', flush=True)


def progress_line(summary: Summary, seconds: float) -> str:
    """Return what is known after so many seconds."""
    counts = summary.counts
    p50, p99 = summary.latency(50), summary.latency(99)
    parts = [
        f'{seconds:5.1f} s',
        f'in {counts.frames_in} out {counts.frames_out}',
        f'{summary.rate:4.1f} Hz',
        'latency –' if p50 is None or p99 is None else f'p50 {p50:.0f} p99 {p99:.0f} ms',
        f'dropped {counts.busy} busy {counts.stale} stale {counts.bad} bad',
        'mIoU –' if summary.miou is None else f'mIoU {summary.miou:.3f}',
    ]
    return ' | '.join(parts)
