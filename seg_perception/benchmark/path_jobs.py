"""Frame paths from a camera's bytes to label and masks: what `benchmark path` measures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.benchmark.baselines import host
from seg_perception.benchmark.baselines.host import Outputs
from seg_perception.benchmark.contest import Stages
from seg_perception.benchmark.frames import JPEG
from seg_perception.core.compressed import decode_compressed
from seg_perception.core.encodings import RawImage, view_image
from seg_perception.core.labels import load_label_set
from seg_perception.core.segmenter import Segmenter
from seg_perception.inference.choice import create_runner, read_contract

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Camera:
    """What a path is fed with: frames as a camera sends them, again and again.

    :ivar encoding: one of `ENCODINGS`, or `jpeg`.
    :ivar data: uint8 [H, W, C] each, or the bytes of a JPEG [length].
    """

    encoding: str
    data: tuple[Image, ...]


class Labeller(Protocol):
    """The network of a plain path."""

    def label(self, rgb: Image) -> Image:
        """Return the label, uint8 [h, w], of an RGB image, uint8 [H, W, 3] at network size."""


class PathJob:
    """Runs frames, one after the other, through a path.

    :param path: makes the label, uint8 [H, W], of a camera's frame, and tells its stages.
    """

    def __init__(self, path: Callable[[Image], tuple[Image, Stages]], camera: Camera) -> None:
        self._path = path
        self._data = camera.data
        self._next = cycle(camera.data)

    def run(self) -> Stages:
        """Process the next frame."""
        return self._path(next(self._next))[1]

    def labels(self) -> Image:
        """Return the label of each frame, uint8 [F, H, W], at the camera's size."""
        return np.stack([self._path(data)[0] for data in self._data])


class OwnPath:
    """The frame path of this package: decode, segment, label and masks.

    Unlike in the plain paths, a pixel is drivable only with confidence.
    """

    def __init__(self, segmenter: Segmenter, encoding: str) -> None:
        self._segmenter = segmenter
        self._encoding = encoding

    def __call__(self, data: Image) -> tuple[Image, Stages]:
        """Return the label of a frame and the milliseconds of each stage."""
        start = time.perf_counter()
        image = self._decoded(data)
        decoded = time.perf_counter()
        segmentation = self._segmenter.segment(image)
        segmented = time.perf_counter()
        outputs = Outputs(segmentation.label, segmentation.drivable, segmentation.obstacle)
        stages = {
            'decode': (decoded - start) * 1e3,
            **segmentation.stage_ms,
            'masks': (time.perf_counter() - segmented) * 1e3,
        }
        return outputs.label, stages

    def _decoded(self, data: Image) -> RawImage:
        if self._encoding == JPEG:
            return decode_compressed(data, self._segmenter.view.reduction)
        height, width, channels = data.shape
        return view_image(
            encoding=self._encoding,
            width=width,
            height=height,
            step=width * channels,
            is_bigendian=False,
            data=data.reshape(-1),
        )


class PlainPath:
    """A plain path: OpenCV and numpy around a network that gives labels."""

    def __init__(self, labeller: Labeller, size: tuple[int, int], encoding: str) -> None:
        labels = load_label_set()
        self._labeller = labeller
        self._size = size
        self._encoding = encoding
        self._drivable = labels.group_table('drivable')
        self._obstacle = labels.group_table('obstacle')

    def __call__(self, data: Image) -> tuple[Image, Stages]:
        """Return the label of a frame and the milliseconds of each stage."""
        start = time.perf_counter()
        image, encoding = data, self._encoding
        if encoding == JPEG:
            image, encoding = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8), 'bgr8'
        decoded = time.perf_counter()
        rgb = host.prepare(image, encoding, self._size)
        prepared = time.perf_counter()
        label = self._labeller.label(rgb)
        inferred = time.perf_counter()
        height, width = image.shape[:2]
        outputs = host.masks(label, (width, height), self._drivable, self._obstacle)
        stages = {
            'decode': (decoded - start) * 1e3,
            'prepare': (prepared - decoded) * 1e3,
            'infer': (inferred - prepared) * 1e3,
            'masks': (time.perf_counter() - inferred) * 1e3,
        }
        return outputs.label, stages


@contextmanager
def open_own_path(backend: str, model: Path, camera: Camera) -> Iterator[PathJob]:
    """Load this package's path.

    :raises RunnerError: when this machine lacks the runtime or it cannot run the model.
    """
    runner = create_runner(backend, model)
    runner.check_machine()
    with runner:
        yield PathJob(OwnPath(Segmenter(runner), camera.encoding), camera)


@contextmanager
def open_torch_path(
    model: Path, camera: Camera, *, device: str, half: bool, published: bool = False
) -> Iterator[PathJob]:
    """Load the plain path in torch.

    :raises ImportError: when torch or onnx is not installed.
    :raises ModelError: when torch cannot run the model there.
    """
    from seg_perception.benchmark.baselines.torch_eager import TorchEager

    contract = read_contract(model)
    labeller = TorchEager(model, contract, device=device, half=half, published=published)
    yield PathJob(PlainPath(labeller, contract.size, camera.encoding), camera)


@contextmanager
def open_onnxruntime_path(model: Path, camera: Camera, *, device: str) -> Iterator[PathJob]:
    """Load the plain path in ONNX Runtime.

    :raises ImportError: when onnx is not installed.
    :raises ModelError: when ONNX Runtime cannot run the model there.
    """
    from seg_perception.benchmark.baselines.onnxruntime_argmax import OnnxRuntimeArgmax

    contract = read_contract(model)
    labeller = OnnxRuntimeArgmax(model, contract, device=device)
    yield PathJob(PlainPath(labeller, contract.size, camera.encoding), camera)
