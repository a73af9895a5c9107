"""How well the labels of a run agree with the truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seg_perception.core.confusion import Confusion


class LabelScore(Confusion):
    """A score in which only classes that the truth has count as classes.

    A run shows one street: a stray pixel of a class that is not in it is an error of the class it
    was taken for, and no class with an IoU of 0.
    """

    def iou(self) -> npt.NDArray[np.float64]:
        """Return the intersection over union of each class, NaN where the truth never had it."""
        return np.where(self.counts.sum(axis=1) > 0, super().iou(), np.nan)
