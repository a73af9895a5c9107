"""The picture under the brush: one stroke paints colour and label together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array, View
from seg_perception.sim.light import Color, Light

if TYPE_CHECKING:  # older releases of OpenCV have no cv2.typing
    from cv2.typing import MatLike

NEAR = 0.6
"""Nothing nearer to the camera plane than this is drawn, metres."""

_SHIFT = 4


class Figure:
    """An upright board of polygons: outlines in metres (right, up) from the foot on the ground.

    Each part is (outline [N, 2], colour, class name); later parts cover earlier ones.
    """

    def __init__(self, parts: Sequence[tuple[Array, Color, str]]) -> None:
        self.points = np.concatenate([outline for outline, _, _ in parts])
        self.ends = np.cumsum([len(outline) for outline, _, _ in parts]).tolist()
        self.colors = np.array([color for _, color, _ in parts])
        self.names = [name for _, _, name in parts]


class Canvas:
    """A frame being painted: `pixels` uint8 [H, W, 4] of blue, green, red and trainId.

    As colour and label are channels of one image, every edge is at the same pixel in both.
    """

    def __init__(self, view: View, light: Light, label_ids: Mapping[str, int]) -> None:
        camera = view.camera
        self.view = view
        self.light = light
        self.label_ids = label_ids
        self.pixels = np.empty((camera.height, camera.width, 4), np.uint8)

    def polygon(self, corners: npt.NDArray[np.int32], color: Sequence[float], name: str) -> None:
        """Fill a polygon, int32 [N, 2] made by `fixed_point`."""
        blue, green, red = color
        value = (blue, green, red, self.label_ids[name])
        cv2.fillPoly(self.pixels, [corners], value, cv2.LINE_8, _SHIFT)

    def figure(self, x: float, y: float, figure: Figure, brightness: float) -> None:
        """Paint an upright board that faces the camera at a road point."""
        u, v, depth = self.view.matrix @ (x, y, 0.0, 1.0)
        if depth < NEAR:
            return
        focal = self.view.camera.intrinsics.fx
        points = figure.points * (focal / depth, -focal / depth) + (u / depth, v / depth)
        if points[:, 0].max() < 0 or points[:, 0].min() > self.pixels.shape[1]:
            return
        corners = fixed_point(points)
        colors = self.tint(figure.colors, brightness, depth).tolist()
        start = 0
        for end, color, name in zip(figure.ends, colors, figure.names, strict=True):
            self.polygon(corners[start:end], color, name)
            start = end

    def tint(self, colors: Array, brightness: float | Array, distance: float) -> Array:
        """Return colours [N, 3] under light and behind haze."""
        haze = self.light.haze_at(distance)
        result: Array = colors * (brightness * (1 - haze)) + self.light.haze * haze
        return result

    def texture(
        self,
        image: npt.NDArray[np.uint8],
        to_road: Array,
        corners: Array,
        *,
        brightness: float,
        distance: float,
        name: str,
    ) -> None:
        """Paint a texture, uint8 [H, W, 4], on a flat polygon [N, 3] of the road frame.

        `to_road` [4, 3] takes texture pixels (column, row, 1) to homogeneous road points.
        """
        outline = clipped(self.view.project(corners))
        box = None if outline is None else self._box(outline)
        if outline is None or box is None:
            return
        left, top, right, bottom = box
        offset = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
        patch = cv2.warpPerspective(
            image,
            offset @ self.view.matrix @ to_road,
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fill_mask(mask, fixed_point(outline - (left, top)), 255)
        self._stamp(patch, mask, box, brightness=brightness, distance=distance, name=name)

    def sprite(
        self,
        images: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]],
        x: float,
        y: float,
        size: tuple[float, float],
        name: str,
    ) -> None:
        """Paint a cut-out picture as an upright board of `size` (width, height) metres.

        `images` are (picture uint8 [H, W, 4], mask uint8 [H, W]), each half as large as the last.
        """
        u, v, depth = self.view.matrix @ (x, y, 0.0, 1.0)
        if depth < NEAR:
            return
        scale = self.view.camera.intrinsics.fx / depth
        width, height = max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
        left, top = round(u / depth - width / 2), round(v / depth) - height
        box = self._inside(left, top, left + width, top + height)
        if box is None:
            return
        fitting = [pair for pair in images if len(pair[0]) >= height]
        image, mask = fitting[-1] if fitting else images[0]
        target = (box[2] - box[0], box[3] - box[1])
        if target == (width, height):
            patch = cv2.resize(image, target, interpolation=cv2.INTER_LINEAR)
            cut = cv2.resize(mask, target, interpolation=cv2.INTER_NEAREST)
        else:
            to_patch = np.array(
                [
                    [width / mask.shape[1], 0.0, left - box[0]],
                    [0.0, height / mask.shape[0], top - box[1]],
                ]
            )
            patch = cv2.warpAffine(image, to_patch, target, borderMode=cv2.BORDER_REPLICATE)
            cut = cv2.warpAffine(mask, to_patch, target, flags=cv2.INTER_NEAREST)
        self._stamp(patch, cut, box, brightness=1.0, distance=depth, name=name)

    def _stamp(
        self,
        patch: MatLike,
        mask: MatLike,
        box: tuple[int, int, int, int],
        *,
        brightness: float,
        distance: float,
        name: str,
    ) -> None:
        haze = self.light.haze_at(distance)
        cv2.convertScaleAbs(patch, patch, brightness * (1 - haze), self.light.haze * haze)
        patch[..., 3] = self.label_ids[name]
        left, top, right, bottom = box
        cv2.copyTo(patch, mask, self.pixels[top:bottom, left:right])

    def _box(self, pixels: Array) -> tuple[int, int, int, int] | None:
        """Return the whole-pixel box (left, top, right, bottom) around points, cut to the image."""
        (x0, y0), (x1, y1) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        return self._inside(floor(x0), floor(y0), ceil(x1) + 1, ceil(y1) + 1)

    def _inside(
        self, left: int, top: int, right: int, bottom: int
    ) -> tuple[int, int, int, int] | None:
        """Cut a box to the image."""
        height, width = self.pixels.shape[:2]
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        return (left, top, right, bottom) if left < right and top < bottom else None


def fixed_point(pixels: Array) -> npt.NDArray[np.int32]:
    """Turn pixel coordinates [N, 2] into the fixed-point numbers that OpenCV fills by."""
    scaled: npt.NDArray[np.int32] = (pixels * (1 << _SHIFT)).astype(np.int32)
    return scaled


def fill_mask(mask: npt.NDArray[np.uint8], corners: npt.NDArray[np.int32], value: int) -> None:
    """Fill a polygon, int32 [N, 2] made by `fixed_point`, into a single-channel image."""
    cv2.fillPoly(mask, [corners], (value,), cv2.LINE_8, _SHIFT)


def clipped(homogeneous: Array) -> Array | None:
    """Divide homogeneous pixels [N, 3] of a polygon by their depth, cut off at the near plane."""
    depth = homogeneous[:, 2]
    if depth.min() < NEAR:
        if depth.max() <= NEAR:
            return None
        kept = []
        for i, here in enumerate(homogeneous):
            before = homogeneous[i - 1]
            if (here[2] >= NEAR) != (before[2] >= NEAR):
                share = (NEAR - before[2]) / (here[2] - before[2])
                kept.append(before + share * (here - before))
            if here[2] >= NEAR:
                kept.append(here)
        homogeneous = np.array(kept)
    result: Array = homogeneous[:, :2] / homogeneous[:, 2:]
    return result


def four_channels(image: MatLike) -> npt.NDArray[np.uint8]:
    """Give a colour image [H, W, 3] the label's channel [H, W, 4], still empty."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
