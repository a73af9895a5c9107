"""How large the activations of a network grow on real frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from tqdm import tqdm

from seg_perception.core.contract import INPUT
from seg_perception.core.encodings import from_bgr
from seg_perception.inference.onnxruntime import open_graph
from seg_perception.models.dataset import DatasetError, Image

LEVELS = 127
"""The largest number of symmetric INT8; -128 is left out."""

_BINS = 4096
_CANDIDATES = np.linspace(0.2, 1, 81)
_SUFFIXES = ('.png', '.jpg', '.jpeg')


class Pictures:
    """Pictures of a folder as the network sees them: RGB, uint8 [H, W, 3], at its size.

    :param folder: in Cityscapes layout, of which `split` is taken, or any with pictures below it.
    :param size: (width, height).
    :param most: so many are taken, evenly spread over their sorted names.
    :raises DatasetError: when there are none, or when one that is drawn cannot be decoded.
    """

    def __init__(self, folder: Path, size: tuple[int, int], split: str, most: int) -> None:
        frames = folder / 'leftImg8bit'
        searched = frames / split if frames.is_dir() else folder
        files = sorted(f for f in searched.rglob('*') if f.suffix.lower() in _SUFFIXES)
        if not files or most < 1:
            raise DatasetError(
                f'expected pictures ({", ".join(_SUFFIXES)}) in {searched} and to take at least 1, '
                f'got {len(files)} and {most}; give a folder of frames like those to be segmented'
            )
        step = max(len(files) / most, 1)
        self._files = [files[int(index * step)] for index in range(min(most, len(files)))]
        self._size = size

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Image]:
        for file in self._files:
            bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
            if bgr is None:
                raise DatasetError(f'cannot decode {file}')
            yield from_bgr(np.asarray(bgr, np.uint8)).rgb(self._size)


def calibrate(
    model: onnx.ModelProto, tensors: Sequence[str], images: Iterable[Image]
) -> dict[str, float]:
    """Return for each tensor the magnitude to cut at: the one of least squared INT8 rounding error.

    It keeps as many labels as the best percentile did, with nothing to tune; docs/models.md has the
    figures.

    :param images: RGB, uint8 [H, W, 3] at the network's size, with a progress bar.
    :raises ValueError: when there is no image.
    """
    histograms = {name: Histogram() for name in tensors}
    for values in _watch(model, tensors, images, 'calibrating'):
        for name, histogram in histograms.items():
            histogram.add(values[name])
    return {name: histogram.best_limit() for name, histogram in histograms.items()}


def peaks(model: onnx.ModelProto, images: Iterable[Image]) -> dict[str, float]:
    """Return the largest magnitude of every tensor that the model's nodes make of `images`.

    Infinity where one is NaN. Integers and constants are left out. As `calibrate` otherwise.
    """
    watched = onnx.shape_inference.infer_shapes(model)
    tensors = [
        value.name
        for value in [*watched.graph.value_info, *watched.graph.output]
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]
    _append_peaks(watched.graph, tensors)
    found = dict.fromkeys(tensors, 0.0)
    readings = [f'{name}_peak' for name in tensors]
    for values in _watch(watched, readings, images, 'looking for the largest values'):
        for name, reading in zip(tensors, readings, strict=True):
            found[name] = max(found[name], float(values[reading]))
    return found


def _append_peaks(graph: onnx.GraphProto, tensors: Sequence[str]) -> None:
    """Reduce `tensors` within the graph: all at once they may not fit into memory."""
    infinity = onnx.numpy_helper.from_array(np.array(np.inf, np.float32), 'peak_of_nan')
    graph.initializer.append(infinity)
    node = onnx.helper.make_node
    for name in tensors:
        size, nan, known = (f'{name}_{word}' for word in ('magnitude', 'is_nan', 'known'))
        graph.node.extend(
            [
                node('Abs', [name], [size]),
                # The largest of numbers and NaN is a number in ONNX Runtime.
                node('IsNaN', [name], [nan]),
                node('Where', [nan, infinity.name, size], [known]),
                node('ReduceMax', [known], [f'{name}_peak'], keepdims=0),
            ]
        )


class Histogram:
    """Magnitudes counted in equal bins whose range doubles when a larger one comes."""

    def __init__(self) -> None:
        self.largest = 0.0
        self.range = 0.0
        self.counts = np.zeros(_BINS, np.int64)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count the magnitudes of an array of any shape."""
        magnitudes = np.abs(values).reshape(-1, 1)
        top = float(magnitudes.max(initial=0))
        if not np.isfinite(top):
            raise ValueError(f'expected finite activations, got {top}; the model is damaged')
        self.largest = max(self.largest, top)
        if top == 0:
            self.counts[0] += magnitudes.size
            return
        # Powers of two, so that bins merge exactly; the range's end itself belongs to no bin.
        wanted = 2.0 ** (np.floor(np.log2(top)) + 1)
        if self.range == 0:
            self.range = wanted
        while self.range < wanted:
            self.counts[: _BINS // 2] = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts[_BINS // 2 :] = 0
            self.range *= 2
        counted = cv2.calcHist([magnitudes], [0], None, [_BINS], [0, self.range])
        self.counts += counted.ravel().astype(np.int64)

    def best_limit(self) -> float:
        """Return where to cut for the least squared error of rounding to `LEVELS` steps.

        The scale must not be zero, so an activation that always is gets 1.
        """
        if self.largest == 0:
            return 1.0
        centers = (np.arange(_BINS) + 0.5) * self.range / _BINS
        limits = self.largest * _CANDIDATES
        errors = []
        for step in limits / LEVELS:
            rounded = np.minimum(np.rint(centers / step), LEVELS) * step
            errors.append(float(self.counts @ (centers - rounded) ** 2))
        return float(limits[int(np.argmin(errors))])


def _watch(
    model: onnx.ModelProto, tensors: Sequence[str], images: Iterable[Image], what: str
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Yield the values of `tensors` for each image."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors)
    run = open_graph(watched.SerializeToString())
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or 1
    count = 0
    for image in tqdm(images, unit='frame', desc=what):
        yield run({INPUT: np.repeat(image[np.newaxis], batch, axis=0)})
        count += 1
    if not count:
        raise ValueError(f'{what}: expected pictures, got none')
