"""Networks of any architecture, exported elsewhere to ONNX, as contract files."""

from __future__ import annotations

import datetime
import functools
import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from tqdm import tqdm

from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import LabelSet
from seg_perception.inference.base import HostFinish, ModelError, RunnerError
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner, fold_constants, open_graph
from seg_perception.models.export.foreign_graph import (
    Around,
    Entry,
    Layout,
    find_entry,
    find_logits,
    find_opset,
    put_around,
    with_output,
    with_size,
)
from seg_perception.models.export.onnx_safety import (
    check_operators,
    check_sizes,
    load_onnx,
    nodes_of,
)
from seg_perception.sim.scene import Scene

Image = npt.NDArray[np.uint8]
Logits = npt.NDArray[Any]


@dataclass(frozen=True)
class Preparation:
    """What a network expects of a picture, which its file does not tell.

    :ivar mean: of 0 to 255 values, in the order in which the network takes its channels.
    :ivar std: likewise.
    :ivar channel_order: 'rgb' or 'bgr'.
    :ivar align_corners: how the network's training up-sampled its logits to the labels.
    :ivar width: pixels; None: the file's, which must fix it then.
    :ivar height: likewise.
    :ivar layout: None where the file tells.
    :ivar output: name of the tensor with the logits; empty: the only output.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channel_order: str
    align_corners: bool
    width: int | None = None
    height: int | None = None
    layout: Layout | None = None
    output: str = ''


@dataclass(frozen=True)
class About:
    """What the contract file says of the network in words; see `ModelContract`."""

    name: str
    architecture: str
    trained_on: str
    weights_license: str
    data_license: str
    source_url: str = ''
    label_stride: int = 1


@dataclass(frozen=True)
class Proof:
    """How a contract file did beside the original.

    :ivar same_labels: share of the pixels with the same label.
    :ivar deviation: largest difference of a logit, relative to the largest logit.
    """

    same_labels: float
    deviation: float


def wrap(
    source: Path, target: Path, preparation: Preparation, labels: LabelSet, about: About
) -> tuple[ModelContract, Proof]:
    """Write a contract file around a float network, and prove that it labels as the network does.

    Both run in ONNX Runtime on noise and on the made-up street. Logits may differ by 1e-4 of the
    largest, as two graphs round differently, so that only a tie can get another label, and that on
    1 pixel of 10,000 at the most; with half-precision weights, which a CPU rounds where it sees
    fit, by 1e-2 and on 1 of 1,000. The batch is dynamic where the network makes the same of
    pictures together and alone, else as in the file. An existing `target` is replaced only by a
    file that was proved.

    :raises ModelError: when `source` is no ONNX file, not to be trusted, or cannot be run.
    :raises ValueError: when its ends fit neither the contract, the labels nor the preparation, or
        when the two label differently.
    :raises OSError: when a file cannot be read or written.
    """
    model = load_onnx(source)
    try:
        original = _Original(model, preparation, len(labels.labels))
    except ValueError as error:
        raise type(error)(f'{source}: {error}') from error
    contract = ModelContract(
        **vars(about),
        label_set=labels.name,
        labels=labels.labels,
        width=original.around.width,
        height=original.around.height,
        batch=None,
        stride=original.stride,
        align_corners=preparation.align_corners,
        source_sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        accuracy=(),
        date=datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
    )
    contract.check_label_stride(str(target))
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        try:
            original.write(draft, contract)
            proof = original.compare(draft, contract)
        except (ModelError, RunnerError, ValueError):
            # The graph may have the file's batch in its shapes: once more with that.
            contract = replace(contract, batch=original.entry.batch or 1)
            original.write(draft, contract)
            proof = original.compare(draft, contract)
        draft.replace(target)
    return contract, proof


class _Original:
    """The network as it came, with its ends found, and what it makes of some pictures."""

    def __init__(self, model: Any, preparation: Preparation, classes: int) -> None:
        find_opset(model)
        self.entry: Entry = find_entry(model, preparation.layout)
        self.around = Around(
            mean=preparation.mean,
            std=preparation.std,
            bgr=preparation.channel_order == 'bgr',
            width=_side('width', self.entry.width, preparation.width),
            height=_side('height', self.entry.height, preparation.height),
        )
        self._model = with_output(model, find_logits(model, preparation.output))
        half = onnx.TensorProto.FLOAT16
        self._half = any(weight.data_type == half for weight in self._model.graph.initializer)
        sized = with_size(self._model, self.entry, self.around)
        check_sizes(sized)
        self._session = open_graph(sized.SerializeToString())
        self._images = _pictures(self.around.width, self.around.height)
        self._classes = classes
        self._made = self._run(self._images[0])
        height, width = _planes(self._made, classes).shape[2:]
        self.stride = _stride((self.around.width, self.around.height), (width, height))

    def write(self, path: Path, contract: ModelContract) -> None:
        """Write the contract file."""
        model = put_around(self._model, self.entry, self.around, contract, self._made)
        onnx.save(model, str(path))
        # Folding would turn the integer weights of a quantised network into float ones.
        if not any(node.op_type == 'DequantizeLinear' for node in nodes_of(model.graph)):
            fold_constants(path)
            model = onnx.load(str(path))
            check_operators(model)
            standard = [entry for entry in model.opset_import if not entry.domain]
            del model.opset_import[:]
            model.opset_import.extend(standard)
        onnx.helper.set_model_props(model, contract.to_metadata())
        onnx.save(model, str(path))

    def compare(self, path: Path, contract: ModelContract) -> Proof:
        """Hold a contract file to the original.

        :raises ValueError: when it does not do the same.
        """
        finish = HostFinish(contract)
        same = total = 0
        deviation = 0.0
        with OnnxRuntimeRunner(path) as runner:
            for images in tqdm(self._batches(contract), unit='batch', desc='comparing'):
                found = runner.logits(images)
                for image, logits in zip(images, found, strict=True):
                    expected = self._reference(image)
                    largest = max(float(np.abs(expected).max()), 1e-30)
                    difference = float(np.abs(logits - expected[0]).max())
                    deviation = max(deviation, difference / largest)
                    labels = [finish(x, False)[0] for x in (expected, logits[np.newaxis])]
                    same += int(np.count_nonzero(labels[0] == labels[1]))
                    total += labels[0].size
        proof = Proof(same / total, deviation)
        least, most = (0.999, 1e-2) if self._half else (0.9999, 1e-4)
        if proof.same_labels < least or proof.deviation > most:
            raise ValueError(
                f'expected the logits of the original network to {most:g} of the largest and its '
                f'label on {least:.2%} of the pixels, got {proof.deviation:.2g} and '
                f'{proof.same_labels:.4%}: it cannot be put into a contract file exactly'
            )
        return proof

    def _batches(self, contract: ModelContract) -> list[Image]:
        if contract.batch is None:
            return [
                *(image[np.newaxis] for image in self._images[:-2]),
                np.stack(self._images[-2:]),
            ]
        return [image[np.newaxis].repeat(contract.batch, 0) for image in self._images]

    def _reference(self, image: Image) -> Logits:
        """Return what the original makes of a picture, float32 [1, C, h, w]."""
        logits = self._run(image)
        return np.asarray(_planes(logits, self._classes), np.float32)

    def _run(self, image: Image) -> Logits:
        ready = self.around.prepare(image[np.newaxis], self.entry)
        ready = ready.repeat(self.entry.batch or 1, axis=0)
        (logits,) = self._session({self.entry.name: ready}).values()
        return logits[:1]


def _planes(logits: Logits, classes: int) -> Logits:
    """Return logits as [1, C, h, w]."""
    got = f'{logits.dtype} {list(logits.shape)}'
    if logits.dtype not in (np.float32, np.float16) or logits.ndim != 4:
        raise ValueError(f'output: expected float logits [N, {classes}, h, w], got {got}')
    if logits.shape[1] != classes and logits.shape[3] == classes:
        logits = logits.transpose(0, 3, 1, 2)
    if logits.shape[1] != classes:
        raise ValueError(
            f'output: expected {classes} classes as the label set has, got {got}; choose the '
            "network's label set or write one"
        )
    if logits.min() >= 0 and np.abs(logits.sum(axis=1) - 1).max() < 1e-3:
        raise ValueError(
            'output: expected logits, got probabilities: positive, with a sum of 1; name the '
            'tensor before by --logits, or export the network without its softmax'
        )
    return logits


def _side(name: str, declared: int | None, asked: int | None) -> int:
    if declared is None and asked is None:
        raise ValueError(f'input: expected a fixed {name}, got an open one; choose one by --{name}')
    if declared is not None and asked not in (None, declared):
        raise ValueError(
            f'input: expected --{name} {declared} as the file has it, got {asked}; export the '
            'network with another or with open sides'
        )
    return declared or asked or 0


def _stride(size: tuple[int, int], logits_size: tuple[int, int]) -> int:
    """Return the input pixels per logit, of several that fit one that divides the sides."""
    fitting = [
        stride
        for stride in range(1, min(size) + 1)
        if all(-(-s // stride) == g for s, g in zip(size, logits_size, strict=True))
    ]
    if not fitting:
        raise ValueError(
            f'output: expected logits at one stride, got {logits_size[0]}x{logits_size[1]} of '
            f'{size[0]}x{size[1]}; choose sides that are multiples of the stride, such as 64'
        )
    return min(fitting, key=lambda stride: (any(side % stride for side in size), stride))


def _pictures(width: int, height: int) -> list[Image]:
    """Return RGB pictures, uint8 [H, W, 3]: noise, coarse noise and the made-up street twice."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (height, width, 3), np.uint8)
    coarse = random.integers(0, 256, (9, 16, 3), np.uint8)
    scaled = [cv2.resize(image, (width, height)) for image in (coarse, *_streets())]
    return [noise, *(np.asarray(image, np.uint8) for image in scaled)]


@functools.cache
def _streets() -> tuple[Image, Image]:
    scene = Scene(seed=1, width=640, height=360)
    first, second = (np.ascontiguousarray(scene.frame(t).bgr[..., ::-1]) for t in (0.0, 5.0))
    return first, second
