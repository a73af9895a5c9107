"""Puts together what belongs to one frame and keeps what the summary needs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import LabelSet
from seg_perception.demo.page import write_page
from seg_perception.demo.pictures import (
    OVERVIEW_FRAMES,
    OVERVIEW_PERIOD,
    Moment,
    Picture,
    overview_frame,
    write_moment,
    write_overview,
)
from seg_perception.demo.sampling import EvenSample
from seg_perception.demo.score import LabelScore
from seg_perception.demo.summary import Counts, Summary

SUMMARY_FILE = 'summary.json'
PAGE_FILE = 'index.html'
OVERVIEW_FILE = 'overview.webp'

_MOMENTS = 8
_PENDING = 32
"""Frames of which some parts may be missing."""

Part = bytes | Picture


class RunRecord:
    """Takes the parts of frames, by stamp in nanoseconds and in any order, from any thread.

    :param labels: the label set of predictions and truth.
    """

    def __init__(self, labels: LabelSet) -> None:
        self._labels = labels
        self._score = LabelScore(len(labels.labels))
        self._lock = threading.Lock()
        self._pending: OrderedDict[int, dict[str, Part]] = OrderedDict()
        self._moments: EvenSample[Moment] = EvenSample(2 * _MOMENTS)
        self._overview: EvenSample[Picture] = EvenSample(OVERVIEW_FRAMES)
        self._overview_due = 0
        self._first: int | None = None
        self._arrivals: list[float] = []
        self._latencies: list[float] = []
        self._size: tuple[int, int] | None = None
        self.model = ''
        self.backend = ''
        self.source = ''
        self.command = ''
        self.counts = Counts()
        self.published: int | None = None
        self.skipped = 0

    def result(self, seconds: float, latency_ms: float) -> None:
        """Note that a result arrived: seconds since the start, milliseconds since the stamp."""
        with self._lock:
            self._arrivals.append(seconds)
            self._latencies.append(latency_ms)

    def label(self, stamp: int, label: Picture) -> None:
        """Take the node's labels, trainIds as uint8 [H, W]."""
        with self._lock:
            self._size = (label.shape[1], label.shape[0])
            self._add(stamp, 'label', label)
            self._try_score(stamp)

    def truth(self, stamp: int, truth: Picture) -> None:
        """Take the true labels, likewise."""
        with self._lock:
            self._add(stamp, 'truth', truth)
            self._try_score(stamp)

    def view(self, stamp: int, name: str, part: Part) -> None:
        """Take a view: `camera` or `overlay` as JPEG, `drivable` or `obstacle` as uint8 [H, W].

        :raises ImageError: when an overlay is no picture.
        """
        with self._lock:
            self._add(stamp, name, part)
            if self._first is None:
                self._first = stamp
            if name == 'overlay' and stamp >= self._overview_due:
                self._overview.offer(overview_frame(bytes(part)))
                self._overview_due = stamp + round(OVERVIEW_PERIOD * 0.99e9)
            self._try_moment(stamp)

    def summary(self) -> Summary:
        """Return the run so far, without pictures."""
        with self._lock:
            iou = zip(self._labels.names, self._score.iou(), strict=True)
            return Summary(
                counts=self.counts,
                arrivals=tuple(self._arrivals),
                latencies=tuple(self._latencies),
                model=self.model,
                backend=self.backend,
                miou=self._score.mean_iou(),
                class_iou={name: float(value) for name, value in iou if not np.isnan(value)},
                frames_scored=self._score.frames,
                source=self.source,
                size=self._size,
                frames_published=self.published,
                frames_skipped=self.skipped,
                command=self.command,
            )

    def write(self, folder: Path) -> Summary:
        """Write summary.json, the pictures and index.html into the folder, and return the summary.

        Pictures of an earlier run in the folder are removed.
        """
        for view in ('camera', 'overlay', 'masks'):
            for old in folder.glob(f'{view}_*.jpg'):
                old.unlink()
        (folder / OVERVIEW_FILE).unlink(missing_ok=True)
        summary = self.summary()
        with self._lock:
            moments = self._moments.items(_MOMENTS)
            frames = self._overview.items()
        if frames:
            write_overview(folder / OVERVIEW_FILE, frames)
            summary = replace(summary, overview=OVERVIEW_FILE)
        files = [write_moment(folder, number, m) for number, m in enumerate(moments, start=1)]
        summary = replace(summary, moments=files)
        summary.write(folder / SUMMARY_FILE)
        write_page(folder / PAGE_FILE, summary, self._labels)
        return summary

    def _add(self, stamp: int, name: str, part: Part) -> None:
        self._pending.setdefault(stamp, {})[name] = part
        while len(self._pending) > _PENDING:
            self._pending.popitem(last=False)

    def _try_score(self, stamp: int) -> None:
        parts = self._pending.get(stamp, {})
        if 'truth' in parts and 'label' in parts:
            truth, label = np.asarray(parts.pop('truth')), np.asarray(parts.pop('label'))
            self._score.add(_resized(truth, label.shape), label)

    def _try_moment(self, stamp: int) -> None:
        parts = self._pending.get(stamp, {})
        if (
            parts.keys() >= {'camera', 'overlay', 'drivable', 'obstacle'}
            and self._first is not None
        ):
            self._moments.offer(
                Moment(
                    stamp=(stamp - self._first) / 1e9,
                    camera=bytes(parts.pop('camera')),
                    overlay=bytes(parts.pop('overlay')),
                    drivable=np.asarray(parts.pop('drivable')),
                    obstacle=np.asarray(parts.pop('obstacle')),
                )
            )


def _resized(truth: Picture, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the truth at the labels' shape; a no-op at the node's default output size."""
    rows = np.arange(shape[0]) * truth.shape[0] // shape[0]
    columns = np.arange(shape[1]) * truth.shape[1] // shape[1]
    return truth if truth.shape == shape else truth[np.ix_(rows, columns)]
