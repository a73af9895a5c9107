"""Pictures of the frames that were labelled worst."""

from __future__ import annotations

import base64
import heapq
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np

from seg_perception.core.labels import UNLABELLED, Grouping, LabelSet
from seg_perception.core.paint import colorize
from seg_perception.models.dataset import Image
from seg_perception.models.evaluation.score import ScoredFrame, class_table, representatives

PICTURE_WIDTH = 640
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 82]

ERROR_COLOR = (235, 60, 50)
"""Red, green, blue."""
UNSCORED_COLOR = (0, 0, 0)


@dataclass(frozen=True)
class WorstFrame:
    """A frame and its pictures as data URIs, at most `PICTURE_WIDTH` pixels wide.

    There is no image of a frame of which only labels are known.
    """

    name: str
    miou: float
    image: str | None
    prediction: str
    truth: str
    error: str


class WorstFrames:
    """Keeps the frames of the lowest mean IoU; frames without a label are passed over.

    :param limit: how many to keep, 0 or more.
    """

    def __init__(self, limit: int, labels: LabelSet, grouping: Grouping | None = None) -> None:
        self._limit = limit
        self._table = class_table(labels, grouping)
        self._colors = np.zeros((256, 3), np.uint8)
        first = representatives(labels, grouping)
        self._colors[: len(first)] = labels.color_table()[first]
        self._order = count()
        self._heap: list[tuple[float, int, WorstFrame]] = []

    def add(self, frame: ScoredFrame) -> None:
        """Keep a frame if it is among the worst so far; the earlier of two alike."""
        if frame.miou is None or not self._limit:
            return
        if len(self._heap) == self._limit and -self._heap[0][0] <= frame.miou:
            return
        shown = self._pictures(frame, frame.miou)
        heapq.heappush(self._heap, (-frame.miou, -next(self._order), shown))
        if len(self._heap) > self._limit:
            heapq.heappop(self._heap)

    def frames(self) -> list[WorstFrame]:
        """Return what was kept, the worst first."""
        return [frame for *_, frame in sorted(self._heap, reverse=True, key=lambda kept: kept[:2])]

    def _pictures(self, frame: ScoredFrame, miou: float) -> WorstFrame:
        height, width = frame.truth.shape
        scale = min(1.0, PICTURE_WIDTH / width)
        size = (round(width * scale), max(1, round(height * scale)))
        prediction, truth = (
            np.asarray(cv2.LUT(_shrunk(label, size), self._table), np.uint8)
            for label in (frame.prediction, frame.truth)
        )
        image = np.full((size[1], size[0], 3), 255, np.uint8)
        if frame.image is not None:
            image = np.asarray(
                cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8
            )
        return WorstFrame(
            name=frame.name,
            miou=miou,
            image=None if frame.image is None else _jpeg(image),
            prediction=_png(colorize(prediction, self._colors)),
            truth=_png(colorize(truth, self._colors)),
            error=_jpeg(error_view(image, prediction, truth)),
        )


def error_view(image: Image, prediction: Image, truth: Image) -> Image:
    """Return a BGR image in grey, with what is wrong in red and what has no truth in black."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    view = np.repeat(grey[..., np.newaxis], 3, axis=2)
    view[truth != prediction] = ERROR_COLOR[::-1]
    view[truth == UNLABELLED] = UNSCORED_COLOR[::-1]
    return np.asarray(view, np.uint8)


def _shrunk(label: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _jpeg(image: Image) -> str:
    return _data_uri('jpeg', cv2.imencode('.jpg', image, _JPEG)[1].tobytes())


def _png(image: Image) -> str:
    # Nine is the smallest, and slower by milliseconds.
    options = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    return _data_uri('png', cv2.imencode('.png', image, options)[1].tobytes())


def _data_uri(kind: str, data: bytes) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(data).decode()}'
