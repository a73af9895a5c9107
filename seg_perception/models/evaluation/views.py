"""Labels from several views of an image: sliding windows and mirrored copies, averaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import RawImage
from seg_perception.core.finish import upsampling

if TYPE_CHECKING:
    from typing_extensions import Self

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

IMAGENET_MEAN = (123.675, 116.28, 103.53)
"""Red, green and blue, 0 to 255: what to pad with where a model does not tell its own mean."""

Mean: TypeAlias = Literal['logits', 'probabilities']
MEANS: tuple[Mean, ...] = get_args(Mean)


class LogitRunner(Protocol):
    """The part of a runner that is needed here."""

    @property
    def contract(self) -> ModelContract:
        """What the model says of itself."""

    def logits(self, images: Image) -> Floats:
        """Return the logits [N, C, h, w] of RGB images, uint8 [N, H, W, 3] at network size."""


@dataclass(frozen=True)
class Windows:
    """Windows that slide over an image: (width, height) of each and of the step between two.

    In pixels of the camera.

    :raises ValueError: when a window is empty or windows would leave gaps.
    """

    crop: tuple[int, int]
    stride: tuple[int, int]

    def __post_init__(self) -> None:
        if min(self.crop) < 1:
            raise ValueError(f'crop: expected a window of 1 pixel or more, got {_text(self.crop)}')
        if not all(1 <= step <= side for step, side in zip(self.stride, self.crop, strict=True)):
            raise ValueError(
                f'stride: expected a step of 1 pixel up to the window of {_text(self.crop)}, so '
                f'that nothing is left out, got {_text(self.stride)}'
            )

    @classmethod
    def overlapping(cls, crop: tuple[int, int]) -> Self:
        """Return windows two thirds of their size apart, as in the tests of PSPNet's authors."""
        return cls(crop, (-(-crop[0] * 2 // 3), -(-crop[1] * 2 // 3)))


def window_starts(length: int, crop: int, stride: int) -> list[int]:
    """Return where windows start along one side; the last is moved inward to end with the image.

    :param length: of the image's side, `crop` or more.
    """
    count = math.ceil((length - crop) / stride) + 1
    return [min(number * stride, length - crop) for number in range(count)]


class AveragingSegmenter:
    """Labels images by the mean of several views; not for several threads at once.

    A window is resized to the network's input where it has another size, and its logits are
    up-sampled to the window. An image that is smaller than the window is padded on all sides with
    the model's mean colour. Without `windows` there is one view, the whole image at the network's
    size, and the label goes to the camera's size by nearest neighbour as in `Segmenter`.

    :param runner: an active runner.
    :param flip: whether each view is also seen in a mirror.
    :param mean: of what: `logits`, as mmsegmentation takes it over windows, or `probabilities`, as
        the authors of PSPNet and mmsegmentation over mirrors.
    """

    def __init__(
        self,
        runner: LogitRunner,
        windows: Windows | None = None,
        *,
        flip: bool = False,
        mean: Mean = 'logits',
    ) -> None:
        self._runner = runner
        self._windows = windows
        self._flip = flip
        self._softmax = mean == 'probabilities'

    def label(self, image: RawImage) -> Image:
        """Return the label of an image, uint8 [H, W]. What the runner raises is passed on."""
        if self._windows is None:
            label = _argmax(self.mean_scores(image.rgb(self._runner.contract.size)))
            if label.shape != (image.height, image.width):
                label = np.asarray(
                    cv2.resize(label, image.size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8
                )
            return label
        crop = self._windows.crop
        left, right = _padding(image.width, crop[0])
        top, bottom = _padding(image.height, crop[1])
        padded = cv2.copyMakeBorder(
            image.rgb(),
            top,
            bottom,
            left,
            right,
            cv2.BORDER_CONSTANT,
            value=_mean_color(self._runner.contract),
        )
        label = _argmax(self.mean_scores(np.asarray(padded, np.uint8)))
        return label[top : top + image.height, left : left + image.width]

    def mean_scores(self, rgb: Image) -> Iterator[Floats]:
        """Yield for each class its mean score, float32 [H, W], in memory that is used again.

        :param rgb: uint8 [H, W, 3], as large as the window or larger; without windows of the
            network's size.
        """
        contract = self._runner.contract
        height, width = rgb.shape[:2]
        windows = self._windows or Windows(contract.size, contract.size)
        crop = (across, down) = windows.crop
        starts = product(
            window_starts(height, down, windows.stride[1]),
            window_starts(width, across, windows.stride[0]),
        )
        places = [(slice(y, y + down), slice(x, x + across)) for y, x in starts]
        views = [(place, grid) for place in places for grid in self._logits(rgb[place])]
        share: Floats = np.zeros((height, width), np.float32)
        for place, _ in views:
            share[place] += 1
        np.reciprocal(share, out=share)
        upsample = upsampling(contract.logits_size, crop, contract.align_corners)
        tile = np.empty((down, across), np.float32)
        norms = [_log_sum(grid, upsample, tile) if self._softmax else None for _, grid in views]
        plane = np.empty((height, width), np.float32)
        for number in range(len(contract.labels)):
            plane.fill(0)
            for (place, grid), norm in zip(views, norms, strict=True):
                upsample(grid[number], tile)
                plane[place] += tile if norm is None else np.exp(tile - norm)
            plane *= share
            yield plane

    def _logits(self, window: Image) -> Iterator[Floats]:
        """Yield the logits [C, h, w] of a window and, where wanted, of its mirror."""
        contract = self._runner.contract
        height, width = window.shape[:2]
        # A file of a fixed batch sees the same view several times.
        views = np.empty((contract.batch or 1, contract.height, contract.width, 3), np.uint8)
        views[:] = RawImage('rgb8', width, height, window).rgb(contract.size)
        yield self._runner.logits(views)[0]
        if self._flip:
            mirror = self._runner.logits(np.ascontiguousarray(views[:, :, ::-1]))[0]
            # Up-sampling is symmetric, so mirrored logits are those of the mirrored image.
            yield np.ascontiguousarray(mirror[:, :, ::-1])


def _log_sum(grid: Floats, upsample: Callable[[Floats, Floats], None], tile: Floats) -> Floats:
    """Return at each pixel of the window the logarithm of the sum that softmax divides by."""
    total = np.full(tile.shape, -np.inf, np.float32)
    for logits in grid:
        upsample(logits, tile)
        np.logaddexp(total, tile, out=total)
    return total


def _argmax(planes: Iterator[Floats]) -> Image:
    """Return the number of the largest plane at each pixel; the lowest wins a tie."""
    best = next(planes).copy()
    label = np.zeros(best.shape, np.uint8)
    for number, plane in enumerate(planes, start=1):
        np.copyto(label, np.uint8(number), where=plane > best)
        np.maximum(best, plane, out=best)
    return label


def _padding(length: int, crop: int) -> tuple[int, int]:
    missing = max(crop - length, 0)
    return missing // 2, missing - missing // 2


def _mean_color(contract: ModelContract) -> Sequence[int]:
    mean = contract.configuration.get('mean', IMAGENET_MEAN)
    return [round(value) for value in mean]


def _text(size: tuple[int, int]) -> str:
    return f'{size[0]}x{size[1]}'
