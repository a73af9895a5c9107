"""The picture under the brush: every stroke goes into the colour and the label image alike."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.sim.camera_model import Array, View
from seg_perception.sim.light import Color, Light

NEAR = 0.6
"""Nothing nearer to the camera plane than this is drawn, metres."""

_SHIFT = 4
_LIMIT = 2.0**20


class Canvas:
    """A frame being painted: `color` uint8 [H, W, 3] BGR and `label` uint8 [H, W] of trainIds."""

    def __init__(self, view: View, light: Light) -> None:
        camera = view.camera
        self.view = view
        self.light = light
        self.color = np.empty((camera.height, camera.width, 3), np.uint8)
        self.label = np.empty((camera.height, camera.width), np.uint8)

    def polygon(self, pixels: Array, color: Sequence[float], label: int) -> None:
        """Fill a polygon [N, 2] in pixels."""
        fixed = [fixed_point(pixels)]
        cv2.fillPoly(self.color, fixed, color, cv2.LINE_8, _SHIFT)
        cv2.fillPoly(self.label, fixed, (label,), cv2.LINE_8, _SHIFT)

    def face(self, points: Array, color: Sequence[float], label: int) -> None:
        """Fill a flat polygon [N, 3] of the road frame."""
        outline = self.outline(points)
        if outline is not None:
            self.polygon(outline, color, label)

    def outline(self, points: Array) -> Array | None:
        """Project a flat polygon [N, 3]; what is behind the camera is cut off (None: all of it)."""
        return clipped(self.view.project(points))

    def billboard(
        self, x: float, y: float, parts: Sequence[tuple[Array, Color, int]], brightness: float = 1.0
    ) -> None:
        """Fill polygons of an upright board at a road point that faces the camera.

        Each part is (outline [N, 2] in metres, right and up from the foot; colour; label).
        """
        u, v, depth = self.view.matrix @ (x, y, 0.0, 1.0)
        if depth < NEAR:
            return
        foot = np.array([u / depth, v / depth])
        scale = np.array([1.0, -1.0]) * self.view.camera.intrinsics.fx / depth
        for outline, color, label in parts:
            self.polygon(outline * scale + foot, self.tint(color, brightness, depth), label)

    def tint(self, color: Sequence[float], brightness: float, distance: float) -> Color:
        """Return a colour under light and behind haze."""
        haze = self.light.haze_at(distance)
        gain, lift = brightness * (1 - haze), self.light.haze * haze
        return (color[0] * gain + lift, color[1] * gain + lift, color[2] * gain + lift)

    def texture(
        self,
        image: npt.NDArray[np.uint8],
        to_road: Array,
        corners: Array,
        brightness: float,
        distance: float,
        label: int,
    ) -> None:
        """Paint a texture on a flat polygon of the road frame.

        `to_road` [4, 3] takes texture pixels (column, row, 1) to homogeneous road points;
        `corners` [N, 3] is the polygon to fill.
        """
        outline = self.outline(corners)
        if outline is None:
            return
        box = self._box(outline)
        if box is None:
            return
        left, top, right, bottom = box
        offset = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
        size = (right - left, bottom - top)
        patch = cv2.warpPerspective(
            image,
            offset @ self.view.matrix @ to_road,
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        haze = self.light.haze_at(distance)
        cv2.convertScaleAbs(patch, patch, brightness * (1 - haze), self.light.haze * haze)
        mask = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillPoly(mask, [fixed_point(outline - (left, top))], (255,), cv2.LINE_8, _SHIFT)
        self._stamp(patch, mask, box, label)

    def sprite(
        self,
        image: npt.NDArray[np.uint8],
        mask: npt.NDArray[np.uint8],
        x: float,
        y: float,
        size: tuple[float, float],
        brightness: float,
        label: int,
    ) -> None:
        """Paint a cut-out picture as an upright board of `size` (width, height) metres."""
        u, v, depth = self.view.matrix @ (x, y, 0.0, 1.0)
        if depth < NEAR:
            return
        scale = self.view.camera.intrinsics.fx / depth
        width, height = size[0] * scale, size[1] * scale
        x0, y0 = u / depth - width / 2, v / depth - height
        box = self._box(np.array([[x0, y0], [x0 + width, y0 + height]]))
        if box is None:
            return
        left, top, right, bottom = box
        while image.shape[0] > 2 * height and min(image.shape[:2]) > 8:
            half = (image.shape[1] // 2, image.shape[0] // 2)
            image = cv2.resize(image, half, interpolation=cv2.INTER_NEAREST)
            mask = cv2.resize(mask, half, interpolation=cv2.INTER_NEAREST)
        to_patch = np.array(
            [
                [width / image.shape[1], 0.0, x0 - left],
                [0.0, height / image.shape[0], y0 - top],
            ]
        )
        target = (right - left, bottom - top)
        patch = cv2.warpAffine(image, to_patch, target, borderMode=cv2.BORDER_REPLICATE)
        cut = cv2.warpAffine(mask, to_patch, target, flags=cv2.INTER_NEAREST)
        haze = self.light.haze_at(depth)
        cv2.convertScaleAbs(patch, patch, brightness * (1 - haze), self.light.haze * haze)
        self._stamp(patch, cut, box, label)

    def _stamp(
        self,
        patch: npt.NDArray[np.uint8],
        mask: npt.NDArray[np.uint8],
        box: tuple[int, int, int, int],
        label: int,
    ) -> None:
        left, top, right, bottom = box
        cv2.copyTo(patch, mask, self.color[top:bottom, left:right])
        np.putmask(self.label[top:bottom, left:right], mask, label)

    def _box(self, pixels: Array) -> tuple[int, int, int, int] | None:
        """Return the whole-pixel box (left, top, right, bottom) around points, cut to the image."""
        height, width = self.label.shape
        left, top = np.floor(pixels.min(axis=0)).clip(-1, (width, height)).astype(int)
        right, bottom = np.ceil(pixels.max(axis=0)).clip(-2, (width, height)).astype(int) + 1
        left, top = max(int(left), 0), max(int(top), 0)
        right, bottom = min(int(right), width), min(int(bottom), height)
        return (left, top, right, bottom) if left < right and top < bottom else None


def fixed_point(pixels: Array) -> npt.NDArray[np.int32]:
    """Turn pixel coordinates [N, 2] into the fixed-point numbers that OpenCV fills by."""
    scaled: npt.NDArray[np.int32] = np.clip(pixels * (1 << _SHIFT), -_LIMIT, _LIMIT).astype(np.int32)
    return scaled


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
