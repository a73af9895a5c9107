"""The ground of a street, painted by the homography of the ground plane."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import View
from seg_perception.sim.canvas import clipped, fill_mask, fixed_point, four_channels
from seg_perception.sim.ground_texture import HALF_WIDTH, ground_texture
from seg_perception.sim.street import PERIOD, Street

FAR = 72.0
"""The street is closed here by the backdrop, metres ahead."""

_BANDS = ((0.0, 8.0, 24, 24), (8.0, 20.0, 24, 8), (20.0, FAR, 12, 3))
"""Near and far end in metres; columns and rows of the texture per metre in that band."""


class Ground:
    """A texture of the street from above, painted through the homography of the ground plane."""

    def __init__(self, rng: np.random.Generator, street: Street) -> None:
        self._section, self._light = street.section, street.light
        texture = ground_texture(rng, street)
        bright = street.light.shade((0.0, 0.0, 1.0))
        texture = four_channels(cv2.convertScaleAbs(texture, alpha=bright))
        self._levels = []
        for _, _, columns, rows in _BANDS:
            size = (int(2 * HALF_WIDTH * columns), int(PERIOD * rows))
            level = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
            # From anywhere in the period the texture must reach to the far end.
            self._levels.append(np.concatenate([level, level, level[: size[1] // 2]]))

    def paint(self, image: npt.NDArray[np.uint8], view: View) -> None:
        """Paint the colours of `image` [rows, W, 4], the frame from `first_row` down."""
        camera, top = view.camera, first_row(view)
        start = floor(view.x / PERIOD) * PERIOD
        for (near, far, columns, rows), texture in zip(_BANDS, self._levels, strict=True):
            first = max(top, ceil(camera.row_of(far)))
            last = min(ceil(camera.row_of(near)), camera.height) if near else camera.height
            if first >= last:
                continue
            to_road = np.array(
                [
                    [0.0, 1.0 / rows, start + 0.5 / rows],
                    [-1.0 / columns, 0.0, HALF_WIDTH - 0.5 / columns],
                    [0.0, 0.0, 0.0],
                    [0.0, 0.0, 1.0],
                ]
            )
            shift = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -first], [0.0, 0.0, 1.0]])
            cv2.warpPerspective(
                texture,
                shift @ view.matrix @ to_road,
                (camera.width, last - first),
                image[first - top : last - top],
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )

    def haze(self, image: npt.NDArray[np.uint8], view: View) -> None:
        """Lay haze over the image that `paint` painted, by the distance of its rows."""
        camera, top, light = view.camera, first_row(view), self._light
        first = 0
        while first < len(image):
            last = first + 3 + first // 12
            share = light.haze_at(camera.distance_at(top + (first + last) / 2))
            rows = image[first:last]
            cv2.convertScaleAbs(rows, rows, 1 - share, light.haze * share)
            first = last

    def labels(self, view: View, label_ids: Mapping[str, int]) -> npt.NDArray[np.uint8]:
        """Return the trainIds of the bare ground, uint8 [rows, W], from `first_row` down."""
        camera, top = view.camera, first_row(view)
        label = np.full((camera.height - top, camera.width), label_ids['terrain'], np.uint8)
        near, far = view.x - 5.0, view.x + 2 * FAR
        for name, _, outer in reversed(self._section.strips()):
            corners = np.array(
                [[near, outer, 0], [far, outer, 0], [far, -outer, 0], [near, -outer, 0]]
            )
            outline = clipped(view.project(corners))
            if outline is not None:
                fill_mask(label, fixed_point(outline - (0, top)), label_ids[name])
        return label


def first_row(view: View) -> int:
    """Return the first image row that shows the ground; above it is the backdrop."""
    return min(max(ceil(view.camera.row_of(FAR)), 0), view.camera.height)
