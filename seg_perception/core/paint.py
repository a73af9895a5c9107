"""Pictures for people. Colour tables are uint8 [256, 3], BGR (`LabelSet.color_table`)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED

Image = npt.NDArray[np.uint8]


def colorize(label: Image, table: Image) -> Image:
    """Return a label image, uint8 [H, W], in its classes' colours, BGR [H, W, 3]."""
    return np.asarray(cv2.applyColorMap(label, table.reshape(256, 1, 3)), np.uint8)


def overlay(bgr: Image, label: Image, table: Image, alpha: float = 0.5) -> Image:
    """Return a camera image, BGR [H, W, 3], under its classes' colours; unlabelled pixels stay.

    :param alpha: weight of the colours, 0 to 1.
    :raises ValueError: when image and label differ in size.
    """
    if bgr.shape[:2] != label.shape:
        raise ValueError(f'overlay: expected an image of {label.shape}, got {bgr.shape[:2]}')
    blend = cv2.addWeighted(colorize(label, table), alpha, bgr, 1 - alpha, 0)
    unlabelled = cv2.inRange(label, UNLABELLED, UNLABELLED)
    return np.asarray(cv2.copyTo(bgr, unlabelled, dst=blend), np.uint8)
