"""How a camera's images go into the network, and which of its pixels are published."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import MAX_SIDE, ImageError, RawImage, Region
from seg_perception.core.placement import Placement

Image = npt.NDArray[np.uint8]
Geometry = Literal['stretch', 'letterbox', 'crop']
OutputSize = Literal['camera', 'network'] | tuple[int, int]

GEOMETRIES: tuple[Geometry, ...] = get_args(Geometry)

BARS = (124, 116, 104)
"""Red, green and blue beside a letterboxed image: ImageNet's mean, the zero of most networks."""

_REDUCTIONS = (8, 4, 2)

__all__ = ['BARS', 'GEOMETRIES', 'Geometry', 'OutputSize', 'Placement', 'Region', 'View']


class View:
    """Puts the images of one camera into the input of one network.

    The region of interest, or the whole image without one, goes into the network's input by one of
    three geometries:

    - `stretch`: the region fills the input, whatever their aspects.
    - `letterbox`: the region keeps its aspect, but for less than a pixel; bars fill the rest.
    - `crop`: the largest centred part of the region that has the input's aspect fills it.

    Published is the whole camera image at its own or at a given size, with what the network did not
    see unlabelled; or, with `network`, what it saw at the size at which it labels.

    Not for several threads at once.

    :param contract: of the network.
    :param output: `camera`, `network` or (width, height).
    :param region: x, y, width and height in camera pixels.
    :raises ValueError: when one of them is none of these.
    """

    def __init__(
        self,
        contract: ModelContract,
        *,
        geometry: Geometry = 'stretch',
        output: OutputSize = 'camera',
        region: Region | None = None,
    ) -> None:
        if geometry not in GEOMETRIES:
            raise ValueError(f'geometry: expected one of {", ".join(GEOMETRIES)}, got {geometry!r}')
        _check_output(output)
        if region is not None and (min(region[:2]) < 0 or min(region[2:]) < 1):
            raise ValueError(
                'region: expected x, y (from 0), width and height (from 1) in camera pixels, got '
                f'{list(region)}'
            )
        self._contract = contract
        self._geometry = geometry
        self._output = output
        self._region = region
        self._placement: Placement | None = None

    def placement(self, image_size: tuple[int, int]) -> Placement:
        """Return the placement of images of a (width, height); the last one is kept.

        :raises ImageError: when the region is not within such images.
        """
        if self._placement is None or self._placement.image_size != image_size:
            self._placement = self._place(image_size)
        return self._placement

    def prepare(self, image: RawImage, out: Image) -> Placement:
        """Write an image into the network's input and return how it lies there.

        :param out: uint8 [H, W, 3] at network size; becomes RGB.
        :raises ImageError: when the region is not within the image.
        """
        placement = self.placement(image.size)
        stride = self._contract.label_stride
        left, top, width, height = (side * stride for side in placement.shown)
        out[:top] = out[top + height :] = BARS
        out[:, :left] = out[:, left + width :] = BARS
        inner = out[top : top + height, left : left + width]
        image.rgb((width, height), out=inner, region=placement.seen)
        return placement

    def reduction(self, image_size: tuple[int, int]) -> int:
        """Return 1, 2, 4 or 8: how much smaller an image may be decoded for this view.

        The network gets no pixel that was not there, and the region's edges stay whole pixels.

        :raises ImageError: when the region is not within such images.
        """
        placement = self.placement(image_size)
        *_, width, height = (side * self._contract.label_stride for side in placement.shown)
        sides = (*image_size, *placement.seen)
        most = min(placement.seen[2] / width, placement.seen[3] / height)
        return next(
            (f for f in _REDUCTIONS if f <= most and not any(side % f for side in sides)), 1
        )

    def _place(self, image_size: tuple[int, int]) -> Placement:
        region = self._region or (0, 0, *image_size)
        x, y, width, height = region
        if x + width > image_size[0] or y + height > image_size[1]:
            raise ImageError(
                f'region: expected x, y, width, height within the image of {image_size[0]}x'
                f'{image_size[1]}, got {list(region)}; set the region to a part of this image'
            )
        label_size = self._contract.label_size
        seen, shown = region, (0, 0, *label_size)
        if self._geometry == 'crop':
            seen = _centred(_largest(self._contract.size, region[2:]), region)
        elif self._geometry == 'letterbox':
            shown = _centred(_largest(region[2:], label_size), shown)
        framed = (0, 0, *image_size)
        if self._output == 'network':
            framed, output_size = seen, shown[2:]
        else:
            output_size = image_size if self._output == 'camera' else self._output
        return Placement(
            image_size=image_size,
            label_size=label_size,
            output_size=output_size,
            seen=seen,
            shown=shown,
            framed=framed,
        )


def _check_output(output: object) -> None:
    match output:
        case 'camera' | 'network':
            return
        case (int(width), int(height)) if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
            return
    raise ValueError(
        f"output: expected 'camera', 'network' or (width, height) of 1 to {MAX_SIDE} pixels, got "
        f'{output!r}'
    )


def _largest(aspect: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """Return the largest whole (width, height) of an aspect within another."""
    (across, down), (width, height) = aspect, within
    if width * down <= height * across:
        return width, max(1, (2 * width * down + across) // (2 * across))
    return max(1, (2 * height * across + down) // (2 * down)), height


def _centred(size: tuple[int, int], within: Region) -> Region:
    x, y, width, height = within
    return x + (width - size[0]) // 2, y + (height - size[1]) // 2, *size
