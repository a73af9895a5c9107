"""Steadier labels: a vote of the last frames on each pixel."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import OBSTACLE, LabelSet

Image = npt.NDArray[np.uint8]


class LabelVote:
    """Gives each pixel the label that most of the last frames have there; a tie the newest of them.

    What the newest frame calls an obstacle stays one: a vote never hides what has just come into
    view. Anything else, ground that becomes free again above all, is late by (frames - 1) / 2
    frames. The camera's own motion is not taken out: use it at a high frame rate or a low speed.

    :param frames: how many vote; 1 leaves labels as they are.
    :raises LabelError: when the label set has no group `obstacle`.
    :raises ValueError: when `frames` is not odd, or not 1 to 9.
    """

    def __init__(self, labels: LabelSet, frames: int) -> None:
        if not (1 <= frames <= 9 and frames % 2):
            raise ValueError(f'frames of a vote: expected 1, 3, 5, 7 or 9, got {frames}')
        self._obstacle = labels.group_table(OBSTACLE) > 0
        self._last: deque[Image] = deque(maxlen=frames)

    def update(self, label: Image) -> Image:
        """Return the label of the vote, uint8 [H, W]; with one frame the array given."""
        if self._last and self._last[0].shape != label.shape:
            self._last.clear()
        self._last.appendleft(label)
        if len(self._last) < 2:
            return label
        result: Image = label.copy()
        most = np.zeros(label.shape, np.uint8)
        for candidate in self._last:
            votes = np.zeros(label.shape, np.uint8)
            for other in self._last:
                votes += (candidate == other).view(np.uint8)
            np.copyto(result, candidate, where=votes > most)
            np.maximum(votes, most, out=most)
        np.copyto(result, label, where=self._obstacle[label])
        return result
