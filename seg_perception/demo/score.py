"""How well predicted labels agree with the truth."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


class LabelScore:
    """Intersection over union, summed up over frames.

    A pixel that is unlabelled in the truth is left out; one that is unlabelled in the prediction
    counts as a miss of its true class.

    :param classes: the number of classes, 1 to 254; trainIds are 0 to classes - 1.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._counts = np.zeros((256, 256), np.int64)
        self.frames = 0

    def add(self, truth: npt.NDArray[np.uint8], label: npt.NDArray[np.uint8]) -> None:
        """Count one frame: two images of trainIds, uint8 [H, W], 255 where there is none.

        :raises ValueError: when the two differ in size.
        """
        if truth.shape != label.shape:
            raise ValueError(f'expected a label image of shape {truth.shape}, got {label.shape}')
        # Six times as fast as np.bincount, and as exact up to 16 million pixels of a kind.
        counts = cv2.calcHist([truth, label], [0, 1], None, [256, 256], [0, 256, 0, 256])
        self._counts += counts.astype(np.int64)
        self.frames += 1

    def iou(self) -> npt.NDArray[np.float64]:
        """Return the intersection over union of each class, NaN where the truth never had it."""
        counts = self._counts[: self._classes]
        hits = np.diag(counts).astype(np.float64)
        true = counts.sum(axis=1)
        union = true + counts.sum(axis=0)[: self._classes] - hits
        return np.where(true > 0, hits / np.maximum(union, 1), np.nan)

    def mean_iou(self) -> float | None:
        """Return the mean over the classes that the truth has, None where there is none."""
        iou = self.iou()
        present = iou[~np.isnan(iou)]
        return float(present.mean()) if present.size else None
