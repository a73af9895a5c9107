"""Scores labels against the truth as both come in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.encodings import ImageError, RawImage
from seg_perception.core.labels import load_grouping, load_label_set
from seg_perception.models.evaluation.report import Matching, Report
from seg_perception.models.evaluation.score import Score, ScoredFrame, Scorer
from seg_perception.models.evaluation.worst import WorstFrame, WorstFrames
from seg_perception.scoring.pairs import PREDICTION, TRUTH, Side, StampPairs
from seg_perception.sim.semantic_camera import (
    TRAIN_IDS,
    Carrier,
    TruthReader,
    load_truth_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ['PairScorer', 'Score', 'ScoreOptions', 'ScoredPair']

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ScoreOptions:
    """What to score by.

    :param truth: a truth table: a name (`config/truth`), a path, or `train_ids`.
    :param truth_pixels: whether the truth's pixels hold the table's values or colours.
    :param wait: how many images of each topic wait for the other of their stamp.
    :param worst: how many of the worst frames to keep for the page.
    """

    label_set: str = 'cityscapes'
    grouping: str = ''
    truth: str = TRAIN_IDS
    truth_pixels: Carrier = 'value'
    wait: int = 32
    worst: int = 6


@dataclass(frozen=True)
class ScoredPair:
    """A pair that was scored: its stamp, ns, and its own mean IoU, None where nothing is true."""

    stamp: int
    miou: float | None


class PairScorer:
    """Matches predictions and truth by stamp and scores each pair at the truth's size.

    :raises LabelError: when the label set, grouping or truth table cannot be used.
    """

    def __init__(self, options: ScoreOptions) -> None:
        self.options = options
        self._labels = load_label_set(options.label_set)
        self._grouping = load_grouping(options.grouping, self._labels) if options.grouping else None
        table = load_truth_table(options.truth, self._labels)
        self._truth = TruthReader(table, options.truth_pixels)
        self._scorer = Scorer(self._labels, self._grouping, scripts=False)
        self._worst = WorstFrames(options.worst, self._labels, self._grouping)
        self._pairs: StampPairs[Image] = StampPairs(options.wait)
        self._names: list[str] = []
        self.unusable = 0
        """Images that could not be used; whoever sent them was told why."""

    @property
    def counts(self) -> dict[str, int]:
        """What became of the images, and how many pixels of the truth the table does not know."""
        return {
            **asdict(self._pairs.counts),
            'waiting': self._pairs.waiting,
            'unusable': self.unusable,
            'unknown_pixels': self._truth.unknown,
        }

    def add_prediction(self, stamp: int, image: RawImage) -> ScoredPair | None:
        """Take an image of trainIds, mono8; return the score of the pair that it completes.

        :param stamp: of the camera image, ns.
        :raises ImageError: when it is no such image or does not fit the truth.
        """
        return self._add(PREDICTION, stamp, image, _train_ids)

    def add_truth(self, stamp: int, image: RawImage) -> ScoredPair | None:
        """Take an image of the truth; otherwise as `add_prediction`."""
        return self._add(TRUTH, stamp, image, self._truth.read)

    def finish(self) -> None:
        """Give up what still waits for its other half: nothing more comes."""
        self._pairs.finish()

    def score(self) -> Score:
        """Return the score so far."""
        return self._scorer.score()

    def report(
        self,
        *,
        prediction: str,
        truth: str,
        dataset: str,
        command: str,
        model: str = '',
        backend: str = '',
    ) -> Report:
        """Return the score so far with all that is to be told of it.

        :param prediction: the topic of the predictions; `truth` likewise.
        :param dataset: what was scored: a recording or a live graph.
        """
        options = self.options
        how = f'{options.truth} ({options.truth_pixels})'
        return Report(
            score=self.score(),
            frame_names=tuple(self._names),
            model=model,
            backend=backend,
            dataset=dataset,
            label_set=self._labels.name,
            grouping=options.grouping or None,
            command=command,
            matching=Matching(prediction, truth, how, self.counts),
        )

    def write(self, report: Report, json: Path | None, html: Path | None) -> None:
        """Write what `model evaluate` writes.

        :raises OSError: when a file cannot be written.
        """
        from seg_perception.models.evaluation.page import write_page

        if json is not None:
            report.write(json)
        if html is not None:
            write_page(html, report, self.worst(), self._labels, self._grouping)

    def worst(self) -> list[WorstFrame]:
        """Return the worst frames so far, the worst first."""
        return self._worst.frames()

    def _add(
        self, side: Side, stamp: int, image: RawImage, read: Callable[[RawImage], Image]
    ) -> ScoredPair | None:
        try:
            pair = self._pairs.add(side, stamp, read(image))
            return None if pair is None else self._score(stamp, *pair)
        except ImageError:
            self.unusable += 1
            raise

    def _score(self, stamp: int, prediction: Image, truth: Image) -> ScoredPair:
        prediction = _fitted(prediction, truth)
        miou = self._scorer.add(prediction, truth)
        name = f'{stamp // 10**9}.{stamp % 10**9:09d}'
        self._names.append(name)
        self._worst.add(ScoredFrame(name, None, prediction, truth, miou))
        return ScoredPair(stamp, miou)


def _train_ids(image: RawImage) -> Image:
    if image.encoding != 'mono8':
        raise ImageError(
            f'predicted labels: expected mono8, got {image.encoding}: subscribe to ~/label of the '
            'segmentation node'
        )
    # A copy: the view would keep the whole message, and be scored after its memory was used anew.
    return np.array(image.planes)


def _fitted(prediction: Image, truth: Image) -> Image:
    """Return the prediction at the truth's size; as labels that are coarser are meant."""
    (height, width), (rows, columns) = truth.shape, prediction.shape
    if abs(rows * width - columns * height) > max(width, height):
        raise ImageError(
            f'predicted labels of {columns}x{rows} and truth of {width}x{height}: expected the '
            'same aspect; both must show the whole image of one camera'
        )
    if prediction.shape == truth.shape:
        return prediction
    resized = cv2.resize(prediction, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.uint8)
