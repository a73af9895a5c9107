"""A model's accuracy on labelled frames, by the Cityscapes metric.

Frames go through the same `Segmenter` as in the node, or through an `AveragingSegmenter`; labels
are scored at the camera's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from tqdm import tqdm

from seg_perception.core.confusion import Confusion, Counts, class_iou, mean_iou, pixel_accuracy
from seg_perception.core.encodings import RawImage, from_bgr
from seg_perception.core.labels import UNLABELLED, Grouping, LabelSet
from seg_perception.inference.base import RunnerError
from seg_perception.models.dataset import CityscapesFolder, DatasetError, Image
from seg_perception.models.evaluation import official

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Labeller(Protocol):
    """What labels frames: a `Segmenter` or an `AveragingSegmenter`."""

    def label(self, image: RawImage) -> Image:
        """Return the label of an image, uint8 [H, W]."""


@dataclass(frozen=True)
class GroupScore:
    """How well a group of classes is told from all others, over pixels that the truth labels.

    :param precision: the share of what was labelled as of the group that is of it; None if nothing
        was.
    :param recall: the share of what is of the group that was labelled so; None if nothing is.
    """

    precision: float | None
    recall: float | None


@dataclass(frozen=True, eq=False)
class Score:
    """What the metric says.

    :param miou: mean of `class_iou` over the classes that occur in truth or prediction, 0 to 1.
    :param class_iou: IoU of each class, None where it occurs in neither.
    :param pixel_accuracy: share of labelled pixels that have the right class.
    :param confusion: pixels by true class (row) and predicted class (column), int64 [C, C + 1]; the
        last column counts what was predicted as none of the classes.
    :param frame_miou: of each frame for itself, None where none of its pixels is labelled.
    :param groups: of each group of the label set (drivable, obstacle) whose classes a grouping does
        not merge with others.
    :param official: whether `class_iou` is from the official scripts or, where they do not know the
        labels' ids, from `confusion` by the same definition.
    """

    miou: float
    class_iou: Mapping[str, float | None]
    pixel_accuracy: float
    frames: int
    confusion: Counts
    frame_miou: Sequence[float | None]
    groups: Mapping[str, GroupScore]
    official: bool


@dataclass(frozen=True, eq=False)
class ScoredFrame:
    """One frame: prediction and truth as trainIds, uint8 [H, W], and its image where it is known.

    The image is BGR, uint8 [H, W, 3].
    """

    name: str
    image: Image | None
    prediction: Image
    truth: Image
    miou: float | None


class Scorer:
    """Scores frames as they come; a context manager.

    :param grouping: classes merged in prediction and truth alike before scoring.
    :param scripts: count by the official scripts where they know the labels' ids; they are slow, as
        they read files. Else by the same definition.
    """

    def __init__(
        self, labels: LabelSet, grouping: Grouping | None = None, *, scripts: bool = True
    ) -> None:
        self._names = labels.names if grouping is None else grouping.classes
        ids = [label.id for label in labels.labels]
        self._table = class_table(labels, grouping)
        self._groups = group_classes(labels, self._table)
        # A class of a grouping stands under the id of its first label.
        self._ids = [ids[first] for first in representatives(labels, grouping)]
        self._confusion = Confusion(len(self._names))
        self._frames: list[float | None] = []
        self._official = official.OfficialCount() if scripts and official.knows(ids) else None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self._official:
            self._stack.enter_context(self._official)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, prediction: Image, truth: Image) -> float | None:
        """Score one frame of trainIds, uint8 [H, W] each, and return its own mean IoU.

        What belongs to no class is left out where it is the truth and is an error where it is the
        prediction.
        """
        predicted, true = (_look_up(image, self._table) for image in (prediction, truth))
        counts = self._confusion.add(true, predicted)
        if self._official:
            to_id = np.zeros(256, np.uint8)
            to_id[: len(self._ids)] = self._ids
            self._official.add(_look_up(predicted, to_id), _look_up(true, to_id))
        miou = mean_iou(class_iou(counts)) if counts.sum() else None
        self._frames.append(miou)
        return miou

    def score(self) -> Score:
        """Return the score of all frames so far."""
        if self._official:
            ious = [self._official.iou(number) for number in self._ids]
        else:
            ious = self._confusion.iou().tolist()
        valid = [iou for iou in ious if not np.isnan(iou)]
        accuracy = pixel_accuracy(self._confusion.counts)
        return Score(
            miou=float(np.mean(valid)) if valid else float('nan'),
            class_iou={
                name: None if np.isnan(iou) else iou
                for name, iou in zip(self._names, ious, strict=True)
            },
            pixel_accuracy=float('nan') if accuracy is None else accuracy,
            frames=len(self._frames),
            confusion=self._confusion.counts.copy(),
            frame_miou=tuple(self._frames),
            groups={
                name: group_score(self._confusion.counts, classes)
                for name, classes in self._groups.items()
            },
            official=self._official is not None,
        )


def evaluate(
    labeller: Labeller,
    folder: CityscapesFolder,
    labels: LabelSet,
    grouping: Grouping | None = None,
    watch: Callable[[ScoredFrame], None] | None = None,
) -> Score:
    """Label every frame of a folder and score it, with a progress bar.

    :param watch: is shown each frame.
    :raises DatasetError: when a file of the folder cannot be read, does not fit the others or none
        has a label.
    :raises RunnerError: when the model fails on a frame, which is named.
    """
    with Scorer(labels, grouping) as scorer:
        for index in tqdm(range(len(folder)), unit='frame', desc=f'evaluating {folder.split}'):
            frame = folder.frames[index]
            image, truth = folder.labelled_image(index)
            try:
                prediction = labeller.label(from_bgr(image))
            except RunnerError as error:
                raise RunnerError(f'{frame.image}: {error}') from error
            miou = scorer.add(prediction, truth)
            if watch:
                watch(ScoredFrame(frame.name, image, prediction, truth, miou))
        result = scorer.score()
    if not result.confusion.any():
        raise DatasetError(
            f'{folder.root}: expected labels of the set {labels.name} in split {folder.split}, got '
            f'{result.frames} frames without any; do its files hold the ids of that set?'
        )
    return result


def score(
    pairs: Iterable[tuple[Image, Image]], labels: LabelSet, grouping: Grouping | None = None
) -> Score:
    """Score (prediction, truth) pairs of trainIds, uint8 [H, W] each."""
    with Scorer(labels, grouping) as scorer:
        for prediction, truth in pairs:
            scorer.add(prediction, truth)
        return scorer.score()


def class_table(labels: LabelSet, grouping: Grouping | None) -> Image:
    """Return a look-up table, uint8 [256], from trainIds to scored classes; others become 255."""
    table = np.full(256, UNLABELLED, np.uint8)
    count = len(labels.labels)
    table[:count] = np.arange(count) if grouping is None else grouping.table[:count]
    return table


def group_classes(labels: LabelSet, table: Image) -> dict[str, list[int]]:
    """Return the scored classes of each group of labels; not of one that a class is partly in."""
    found = {}
    for name, members in labels.groups.items():
        inside = {int(table[train_id]) for train_id in members} - {UNLABELLED}
        others = {int(table[n]) for n in range(len(labels.labels)) if n not in members}
        if inside and not inside & others:
            found[name] = sorted(inside)
    return found


def group_score(counts: Counts, classes: Sequence[int]) -> GroupScore:
    """Score a group of classes from counts [C, C + 1]."""
    hits = int(counts[np.ix_(classes, classes)].sum())
    labelled, there = int(counts[:, classes].sum()), int(counts[classes].sum())
    return GroupScore(hits / labelled if labelled else None, hits / there if there else None)


def representatives(labels: LabelSet, grouping: Grouping | None) -> list[int]:
    """Return for each class that is scored the trainId of its first label."""
    if grouping is None:
        return list(range(len(labels.labels)))
    return [
        int(np.flatnonzero(grouping.table == number)[0]) for number in range(len(grouping.classes))
    ]


def _look_up(image: Image, table: Image) -> Image:
    return np.asarray(cv2.LUT(image, table), np.uint8)
