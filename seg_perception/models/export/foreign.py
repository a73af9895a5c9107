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


def wrap(
    source: Path, target: Path, preparation: Preparation, labels: LabelSet, about: About
) -> ModelContract:
    """Write a contract file around a float network, and prove that it labels as the network does.

    Both run in ONNX Runtime on noise and on the made-up street; a single pixel of another label
    fails. Of a network with half-precision weights 0.1 % may differ, as a CPU rounds them where it
    sees fit. The batch is dynamic where the network makes the same of pictures together and alone,
    else as in the file. An existing `target` is replaced only by a file that was proved.

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
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        try:
            original.write(draft, contract)
            original.compare(draft, contract)
        except (ModelError, RunnerError, ValueError):
            # The graph may have the file's batch in its shapes: once more with that.
            contract = replace(contract, batch=original.entry.batch or 1)
            original.write(draft, contract)
            original.compare(draft, contract)
        draft.replace(target)
    return contract


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
        rounded = any(weight.data_type == half for weight in self._model.graph.initializer)
        self._least_share = 0.999 if rounded else 1.0
        sized = with_size(self._model, self.entry, self.around)
        check_sizes(sized)
        run = open_graph(sized.SerializeToString())
        self._images = _pictures(self.around.width, self.around.height)
        self._logits = []
        for image in self._images:
            ready = self.around.prepare(image[np.newaxis], self.entry)
            ready = ready.repeat(self.entry.batch or 1, axis=0)
            (self._made,) = run({self.entry.name: ready}).values()
            self._logits.append(_planes(self._made[:1], classes))
        height, width = self._logits[0].shape[2:]
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

    def compare(self, path: Path, contract: ModelContract) -> None:
        """Hold a contract file to the original.

        :raises ValueError: when a pixel has another label.
        """
        finish = HostFinish(contract)
        expected = [finish(logits, False)[0] for logits in self._logits]
        with OnnxRuntimeRunner(path) as runner:
            pairs = zip(self._images, expected, strict=True)
            bar = tqdm(pairs, total=len(expected), unit='picture', desc='comparing with original')
            found = [
                runner.infer(image[np.newaxis].repeat(contract.batch or 1, 0)).label
                for image, _ in bar
            ]
            if contract.batch is None:
                found.append(runner.infer(np.stack(self._images[-2:])).label)
                expected.append(np.concatenate(expected[-2:]))
        same = sum(
            np.count_nonzero(labels == wanted)
            for labels, wanted in zip(found, expected, strict=True)
        )
        total = sum(labels.size for labels in found)
        if same < total * self._least_share:
            raise ValueError(
                f"expected the original network's label on {self._least_share:.1%} of the pixels, "
                f'got it on {same:,} of {total:,}: it cannot be put into a contract file exactly'
            )


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
