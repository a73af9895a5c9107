"""The pictures of the summary: one frame in three views, and an animated overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from seg_perception.core.compressed import decode_compressed

Picture = npt.NDArray[np.uint8]

DRIVABLE_COLOR = (110, 200, 60)
"""Blue, green, red."""
OBSTACLE_COLOR = (60, 80, 235)

OVERVIEW_WIDTH = 640
OVERVIEW_FRAMES = 100
OVERVIEW_PERIOD = 0.2
"""Seconds between two frames of the overview."""


@dataclass(frozen=True)
class Moment:
    """One frame and what the node made of it."""

    stamp: float
    """Seconds since the first frame."""
    camera: bytes
    """JPEG."""
    overlay: bytes
    """JPEG."""
    drivable: Picture
    """uint8 [H, W], 255 = yes."""
    obstacle: Picture


@dataclass(frozen=True)
class MomentFiles:
    """The files of one moment, as names in the output folder."""

    stamp: float
    camera: str
    overlay: str
    masks: str


def overview_frame(overlay: bytes) -> Picture:
    """Return a JPEG or PNG in the overview's size, uint8 [H, W, 3], blue-green-red.

    :raises ImageError: when the data is no picture.
    """
    image = decode_compressed(overlay)
    scale = min(1.0, OVERVIEW_WIDTH / image.width)
    return image.bgr((round(image.width * scale), max(1, round(image.height * scale))))


def masks_view(camera: Picture, drivable: Picture, obstacle: Picture) -> Picture:
    """Return the camera image in grey with the drivable mask in green and the obstacles in red.

    :param camera: uint8 [H, W, 3], blue-green-red.
    :param drivable: uint8 [h, w], not 0 = yes; scaled to the camera image if its size differs.
    :param obstacle: likewise.
    """
    height, width = camera.shape[:2]
    grey = cv2.cvtColor(camera, cv2.COLOR_BGR2GRAY)[..., None] * 0.55
    view = np.repeat(grey, 3, axis=2)
    for mask, color in ((drivable, DRIVABLE_COLOR), (obstacle, OBSTACLE_COLOR)):
        chosen = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        view[chosen] = view[chosen] * 0.6 + np.array(color) * 0.4
    return view.astype(np.uint8)


def write_moment(folder: Path, number: int, moment: Moment) -> MomentFiles:
    """Write camera_NN.jpg, overlay_NN.jpg and masks_NN.jpg into the folder.

    :raises ImageError: when the camera's data is no picture.
    """
    names = [f'{view}_{number:02d}.jpg' for view in ('camera', 'overlay', 'masks')]
    view = masks_view(decode_compressed(moment.camera).bgr(), moment.drivable, moment.obstacle)
    encoded = cv2.imencode('.jpg', view, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    for name, data in zip(names, (moment.camera, moment.overlay, encoded), strict=True):
        (folder / name).write_bytes(data)
    return MomentFiles(moment.stamp, *names)


def write_overview(path: Path, frames: Sequence[Picture]) -> None:
    """Write the frames (uint8 [H, W, 3], blue-green-red) as an animated WebP that repeats."""
    pictures = [Image.fromarray(np.ascontiguousarray(frame[..., ::-1])) for frame in frames]
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=round(OVERVIEW_PERIOD * 1000),
        loop=0,
        quality=60,
        method=2,
    )
