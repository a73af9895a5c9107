"""What a vote on the labels does to a model's frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from seg_perception.core.ground.vote import LabelVote
from seg_perception.core.labels import OBSTACLE, LabelSet

Image = npt.NDArray[np.uint8]


@dataclass
class Steadiness:
    """Labels of sequences, as a vote of some frames leaves them.

    :ivar wrong: for each frame, the share of the pixels whose label is not the true one.
    :ivar missed: the share of the true obstacles' pixels that are labelled as none.
    :ivar flicker: the share of the pixels that changed their label from one frame to the next
        though the true one stayed.
    """

    labels: LabelSet
    frames: int
    wrong: list[float] = field(default_factory=list)
    missed: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._obstacle = self.labels.group_table(OBSTACLE) > 0
        self.begin()

    def begin(self) -> None:
        """Begin a sequence."""
        self._vote = LabelVote(self.labels, self.frames)
        self._last: tuple[Image, Image] | None = None

    def add(self, label: Image, truth: Image) -> None:
        """Take the next frame of a sequence."""
        voted = self._vote.update(label)
        obstacle = self._obstacle[truth]
        missed = obstacle & ~self._obstacle[voted]
        self.wrong.append(float((voted != truth).mean()))
        self.missed.append(float(missed.sum() / max(obstacle.sum(), 1)))
        if self._last is not None:
            before, true_before = self._last
            self.flicker.append(float((voted != before)[truth == true_before].mean()))
        self._last = voted, truth

    def summary(self) -> dict[str, float]:
        """Return the means, and by how many frames what is no obstacle is late."""
        return {
            'frames': self.frames,
            'latency_frames': (self.frames - 1) / 2,
            'wrong': float(np.mean(self.wrong)),
            'obstacle_missed': float(np.mean(self.missed)),
            'flicker': float(np.mean(self.flicker)),
        }
