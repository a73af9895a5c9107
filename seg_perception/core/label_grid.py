"""The labels that show a camera's image: their lens, and where they lie in what is published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.camera_info import intrinsics_for
from seg_perception.core.ground.lens import Array, Lens, make_lens
from seg_perception.core.placement import Placement

Image = npt.NDArray[np.uint8]

_THUMBNAIL_ROWS = 96


def thumbnail(images: Image, placement: Placement) -> Image:
    """Return some pixels of what the network sees of a camera, without bars, [h, w, 3].

    :param images: the network's input, uint8 [H, W, 3].
    """
    stride = images.shape[0] // placement.label_size[1]
    x, y, width, height = (side * stride for side in placement.shown)
    step = max(height // _THUMBNAIL_ROWS, 1)
    return np.ascontiguousarray(images[y : y + height : step, x : x + width : step])


class LabelGrid:
    """What a network labels of one camera's images, without the bars beside them.

    :ivar size: (width, height).
    :ivar seen: the camera pixels that it shows; `published_size`, (width, height), is how large
        they are published.
    """

    def __init__(self, placement: Placement) -> None:
        self.size = placement.shown[2:]
        self.seen = placement.seen
        self._shown = placement.shown
        self._alone = replace(placement, output_size=self.size, framed=placement.seen)
        # Edges of pixels: from the grid to the camera's image, and on to what is published.
        seen, framed = np.array(placement.seen), np.array(placement.framed)
        published = np.array(placement.output_size) / framed[2:]
        width, height = np.maximum(np.rint(seen[2:] * published), 1).astype(int).tolist()
        self.published_size = (width, height)
        self._scale = seen[2:] / self.size * published
        self._shift = (seen[:2] - framed[:2]) * published

    def cut(self, picture: Image) -> Image:
        """Return the grid's part of a network's picture, uint8 [h, w], contiguous."""
        x, y, width, height = self._shown
        return np.ascontiguousarray(picture[y : y + height, x : x + width])

    def sample(self, picture: Image) -> Image:
        """Return a picture of the whole camera image, uint8 of any size, at the grid's pixels."""
        return self._alone.sample(picture)

    def lens(self, info: Any, *, rectified: bool = False) -> Lens:
        """Return the lens in the grid's pixels.

        :param info: sensor_msgs/CameraInfo of the camera.
        :param rectified: whether its images are rectified: by P and without distortion.
        :raises LensError: when the info has no such lens.
        """
        k, p = intrinsics_for(info, self._alone)
        if rectified:
            return make_lens([*p[0:3], *p[4:7], *p[8:11]])
        return make_lens(k, info.d, info.distortion_model)

    def published(self, pixels: npt.ArrayLike) -> Array:
        """Take the centres of grid pixels [..., 2] to those of published ones."""
        moved: Array = self.published_edges(np.asarray(pixels, float) + 0.5) - 0.5
        return moved

    def published_edges(self, edges: npt.ArrayLike) -> Array:
        """Take edges of grid pixels [..., 2] to those of published ones; 0 is the outermost."""
        moved: Array = np.asarray(edges, float) * self._scale + self._shift
        return moved
