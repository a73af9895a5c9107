"""The outcome of a demo run in numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seg_perception.demo.pictures import MomentFiles


@dataclass(frozen=True)
class Counts:
    """Running totals of the node."""

    frames_in: int = 0
    frames_out: int = 0
    busy: int = 0
    stale: int = 0
    bad: int = 0

    @property
    def dropped(self) -> int:
        """Frames that came in and were given up."""
        return self.busy + self.stale + self.bad

    @property
    def settled(self) -> bool:
        """Whether every frame that came in is accounted for."""
        return self.frames_in == self.frames_out + self.dropped

    def newest(self, other: Counts) -> Counts:
        """Return the later of two readings. Totals only grow, so it is the larger of each."""
        mine, its = vars(self), vars(other)
        return Counts(**{name: max(mine[name], its[name]) for name in mine})


@dataclass(frozen=True)
class Summary:
    """What is known at the end of a run."""

    counts: Counts
    arrivals: Sequence[float]
    """Seconds since the start at which results arrived."""
    latencies: Sequence[float]
    """Milliseconds from the camera's stamp to the result, one for each arrival."""
    model: str
    backend: str
    miou: float | None = None
    class_iou: Mapping[str, float] = field(default_factory=dict)
    frames_scored: int = 0
    source: str = ''
    size: tuple[int, int] | None = None
    """Width and height of the results."""
    frames_published: int | None = None
    """As counted by the camera; None where it does not tell."""
    frames_skipped: int = 0
    """Frames that the camera could not make in time."""
    command: str = ''
    moments: Sequence[MomentFiles] = ()
    overview: str | None = None

    @property
    def rate(self) -> float:
        """Results per second, 0 when there are fewer than two."""
        span = self.arrivals[-1] - self.arrivals[0] if self.arrivals else 0.0
        return (len(self.arrivals) - 1) / span if span > 0 else 0.0

    @property
    def lost(self) -> int:
        """Frames that the camera published and the node never saw."""
        published = (
            self.counts.frames_in if self.frames_published is None else self.frames_published
        )
        return max(0, published - self.counts.frames_in)

    def latency(self, percent: float) -> float | None:
        """Return a percentile of the latencies in milliseconds, None without results."""
        return float(np.percentile(self.latencies, percent)) if self.latencies else None

    def to_json(self) -> dict[str, Any]:
        """Return the content of summary.json."""
        return {
            'frames_in': self.counts.frames_in,
            'frames_out': self.counts.frames_out,
            'dropped': {
                'busy': self.counts.busy,
                'stale': self.counts.stale,
                'bad': self.counts.bad,
            },
            'rate_hz': round(self.rate, 3),
            'latency_ms': {'p50': _rounded(self.latency(50)), 'p99': _rounded(self.latency(99))},
            'miou': _rounded(self.miou, 4),
            'model': self.model,
            'backend': self.backend,
            'class_iou': {name: round(value, 4) for name, value in self.class_iou.items()},
            'frames_scored': self.frames_scored,
            'frames_published': self.frames_published,
            'frames_skipped': self.frames_skipped,
            'source': self.source,
            'command': self.command,
        }

    def write(self, path: Path) -> None:
        """Write summary.json."""
        path.write_text(json.dumps(self.to_json(), indent=2) + '\n', encoding='utf-8')


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
