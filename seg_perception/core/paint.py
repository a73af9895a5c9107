"""Pictures for people. Colour tables are uint8 [256, 3], BGR (`LabelSet.color_table`)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED

Image = npt.NDArray[np.uint8]


def colorize(label: Image, table: Image, out: Image | None = None) -> Image:
    """Return a label image, uint8 [H, W], in its classes' colours, BGR [H, W, 3].

    :param out: contiguous memory to write into; else it is made.
    """
    return np.asarray(cv2.applyColorMap(label, table.reshape(256, 1, 3), dst=out), np.uint8)


def overlay(picture: Image, label: Image, color: Image, alpha: float = 0.5) -> None:
    """Lay its classes' colours over a camera image; unlabelled pixels stay.

    :param picture: BGR [H, W, 3]; is written to.
    :param color: what `colorize` makes of the label.
    :param alpha: weight of the colours, 0 to 1.
    :raises ValueError: when image and label differ in size.
    """
    if picture.shape[:2] != label.shape:
        raise ValueError(f'overlay: expected an image of {label.shape}, got {picture.shape[:2]}')
    mixed = cv2.addWeighted(color, alpha, picture, 1 - alpha, 0)
    cv2.copyTo(mixed, cv2.inRange(label, 0, UNLABELLED - 1), dst=picture)
