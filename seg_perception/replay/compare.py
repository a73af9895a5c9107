"""Two runs of one input, frame by frame: where they differ and how much."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from seg_perception.core.confusion import joint_counts
from seg_perception.core.labels import LabelSet
from seg_perception.core.products import CONFIDENCE, DRIVABLE, LABEL, OBSTACLE
from seg_perception.replay.metres import FreeSpaceGap
from seg_perception.replay.run_folder import Run, RunError
from seg_perception.replay.run_reader import Image, Key, Outputs, RunReader, labels_of

Counts = npt.NDArray[np.int64]

MASKS = (DRIVABLE, OBSTACLE)


@dataclass(frozen=True)
class FrameDifference:
    """How a frame differs.

    :ivar agreement: share of the pixels with the same label, 0 to 1.
    :ivar only: pixels of each mask that only the first, and only the second run has.
    :ivar metres: mean difference of the free space, and how much farther the second run sees it.
    """

    key: Key
    time: int
    agreement: float
    only: dict[str, tuple[int, int]]
    metres: tuple[float, float] | None


@dataclass(eq=False)
class Comparison:
    """What two runs have in common.

    :ivar counts: pixels by the first run's label (row) and the second's (column), [256, 256].
    :ivar first_only: frames that only the first run has; `second_only` likewise.
    """

    labels: LabelSet
    counts: Counts = field(default_factory=lambda: np.zeros((256, 256), np.int64))
    frames: list[FrameDifference] = field(default_factory=list)
    first_only: list[Key] = field(default_factory=list)
    second_only: list[Key] = field(default_factory=list)

    @property
    def agreement(self) -> float:
        """Share of all pixels with the same label, 0 to 1; 1 where there are none."""
        total = int(self.counts.sum())
        return float(np.trace(self.counts)) / total if total else 1.0

    @property
    def class_iou(self) -> dict[str, float | None]:
        """Intersection over union of each class's pixels; None where neither run has it."""
        hits = np.diag(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - hits
        return {
            name: float(hits[n] / union[n]) if union[n] else None
            for n, name in enumerate(self.labels.names)
        }

    @property
    def mean_iou(self) -> float:
        """Mean of `class_iou` over the classes that a run has; 1 where there are none."""
        present = [iou for iou in self.class_iou.values() if iou is not None]
        return float(np.mean(present)) if present else 1.0

    @property
    def worst_agreement(self) -> float:
        """Agreement of the frame that differs most; 1 where there is none."""
        return min((frame.agreement for frame in self.frames), default=1.0)

    def only(self, mask: str) -> tuple[int, int]:
        """Return the pixels of a mask that only the first, and only the second run has."""
        pairs = [frame.only[mask] for frame in self.frames if mask in frame.only]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    def worst(self, count: int) -> list[FrameDifference]:
        """Return the frames that differ most and differ at all, the worst first."""
        differing = [frame for frame in self.frames if frame.agreement < 1]
        return heapq.nsmallest(count, differing, key=lambda frame: frame.agreement)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {
            'agreement': self.agreement,
            'mean_iou': self.mean_iou,
            'class_iou': self.class_iou,
            'worst_agreement': self.worst_agreement,
            'frames_compared': len(self.frames),
            'frames_in_first_only': [vars(key) for key in self.first_only],
            'frames_in_second_only': [vars(key) for key in self.second_only],
            'mask_pixels': {
                mask: dict(zip(('first_only', 'second_only'), self.only(mask), strict=True))
                for mask in MASKS
            },
            'frames': [
                {
                    **vars(frame.key),
                    'agreement': frame.agreement,
                    **{f'{mask}_pixels': pair for mask, pair in frame.only.items()},
                    **({'free_space_metres': frame.metres} if frame.metres else {}),
                }
                for frame in self.frames
            ],
        }


def compare(
    first: Run, second: Run, gap: FreeSpaceGap | None = None, *, progress: bool = True
) -> Comparison:
    """Compare the labels and masks of two runs of one input, matched by stamp and camera.

    :param gap: measures in metres, where cameras are calibrated.
    :raises RunError: when the runs have other classes, other sizes or no labels.
    """
    labels = labels_of(first)
    if labels.names != labels_of(second).names:
        raise RunError(
            f'{second.path}: expected labels of {labels.name} as {first.path} has them, got others'
        )
    for run in (first, second):
        if run.about['status'] != 'complete':
            raise RunError(f'{run.path}: expected a complete run; call `replay run` again')
    keys = [_keys(run) for run in (first, second)]
    result = Comparison(labels)
    result.first_only = sorted(keys[0] - keys[1])
    result.second_only = sorted(keys[1] - keys[0])
    names = (LABEL, *MASKS, *((CONFIDENCE,) if gap else ()))
    readers = [RunReader(run, names) for run in (first, second)]
    common = keys[0] & keys[1]
    pairs = _pairs(*(_only(reader.frames(), common) for reader in readers))
    hidden = None if progress else True
    for pair in tqdm(pairs, total=len(common), unit='frame', desc='comparing', disable=hidden):
        result.frames.append(_difference(result, *pair, gap))
    return result


def _keys(run: Run) -> set[Key]:
    return {Key(row['stamp'], row['camera']) for row in run.rows() if 'dropped' not in row}


def _only(frames: Iterable[Outputs], keys: set[Key]) -> Iterator[Outputs]:
    return (frame for frame in frames if frame.key in keys)


def _pairs(
    first: Iterator[Outputs], second: Iterator[Outputs]
) -> Iterator[tuple[Outputs, Outputs]]:
    """Yield the frames of both; they come in the same order but for small swaps."""
    waiting: dict[Key, Outputs] = {}
    for one in first:
        while one.key not in waiting:
            other = next(second, None)
            if other is None:
                return
            waiting[other.key] = other
        yield one, waiting.pop(one.key)


def _difference(
    result: Comparison, one: Outputs, other: Outputs, gap: FreeSpaceGap | None
) -> FrameDifference:
    for outputs in (one, other):
        if LABEL not in outputs.images:
            raise RunError('expected runs with labels: run them with `label` among --outputs')
    label, second = one.images[LABEL], other.images[LABEL]
    if label.shape != second.shape:
        raise RunError(
            f'expected labels of one size, got {label.shape[::-1]} and {second.shape[::-1]}: run '
            'both with the same --output-size'
        )
    counts = joint_counts(label, second)
    result.counts += counts
    only = {}
    for mask in MASKS:
        if mask in one.images and mask in other.images:
            a, b = one.images[mask], other.images[mask]
            only[mask] = _left_over(a, b), _left_over(b, a)
    metres = None
    if gap and all(CONFIDENCE in outputs.images for outputs in (one, other)):
        pair = [(outputs.images[LABEL], outputs.images[CONFIDENCE]) for outputs in (one, other)]
        found = gap.measure(one.info, *pair)
        metres = (found.mean, found.farther) if found else None
    share = float(np.trace(counts)) / label.size
    return FrameDifference(one.key, one.time, share, only, metres)


def _left_over(mask: Image, other: Image) -> int:
    """Return how many pixels only the first of two masks has."""
    return int(cv2.countNonZero(cv2.bitwise_and(mask, cv2.bitwise_not(other))))
