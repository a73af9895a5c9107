"""From a trained network to a contract file, and the proof that the two agree."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn
from tqdm import tqdm

from seg_perception.core.contract import INPUT, OUTPUT, ModelContract
from seg_perception.core.encodings import from_bgr
from seg_perception.core.finish import Finisher
from seg_perception.core.segmenter import Segmenter
from seg_perception.inference.choice import create_runner
from seg_perception.inference.onnxruntime import fold_constants
from seg_perception.models.dataset import Image
from seg_perception.models.networks.network import Network

OPSET = 17
MIN_AGREEMENT = 0.9999


class ContractNetwork(nn.Module):
    """A network behind the contract's input: uint8 [N, H, W, 3] RGB in, logits out."""

    def __init__(self, network: Network, height: int, width: int, *, fold: bool) -> None:
        super().__init__()
        self.network = network
        network.fix_size(*network.architecture.feature_size(height, width), fold=fold)
        self.register_buffer('mean', torch.tensor(network.architecture.mean).view(1, 3, 1, 1))
        self.register_buffer('std', torch.tensor(network.architecture.std).view(1, 3, 1, 1))
        # The outermost module alone decides whether the exporter sees evaluation mode.
        self.requires_grad_(False).eval()

    def forward(self, image: Tensor) -> Tensor:
        """Return float32 logits [N, C, h, w]."""
        # Cast before Transpose: TensorRT takes uint8 inputs into a Cast alone.
        x = image.float().permute(0, 3, 1, 2)
        logits: Tensor = self.network((x - self.mean) / self.std)
        return logits


def export(network: Network, contract: ModelContract, path: Path, *, fold: bool = True) -> None:
    """Write a contract file; an existing file is replaced only by a whole one.

    :param fold: replace parts of the network by equal ones of less work.
    :raises OSError: when the file cannot be written.
    :raises ValueError: when the network cannot have the contract's size or label stride.
    """
    contract.check_label_stride(str(path))
    wrapped = ContractNetwork(network.cpu(), contract.height, contract.width, fold=fold)
    example = torch.zeros(1, contract.height, contract.width, 3, dtype=torch.uint8)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        try:
            _write_graph(wrapped, example, draft)
        finally:
            network.release_size()
        fold_constants(draft)
        model = onnx.load(str(draft))
        standard = [entry for entry in model.opset_import if not entry.domain]
        del model.opset_import[:]
        model.opset_import.extend(standard)
        onnx.helper.set_model_props(model, contract.to_metadata())
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(draft))
        draft.replace(path)


def _write_graph(network: nn.Module, example: Tensor, path: Path) -> None:
    with warnings.catch_warnings():
        # The newer exporter takes ten times as long, ignores the opset and makes N static; what
        # this one leaves unfolded is folded afterwards.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            network,
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: 'N'}, OUTPUT: {0: 'N'}},
            opset_version=OPSET,
            dynamo=False,
        )


def annotate(path: Path, contract: ModelContract) -> None:
    """Rewrite what a contract file says of itself, its network untouched."""
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, contract.to_metadata())
    draft = path.with_suffix('.part')
    onnx.save(model, str(draft))
    draft.replace(path)


def agreement(network: Network, path: Path, images: Iterable[Image]) -> float:
    """Return the share of pixels that the network in torch and its file label alike.

    torch runs the network as trained, with adaptive pooling, not the form that was exported.

    :param images: camera pictures, uint8 [H, W, 3], blue-green-red.
    """
    same, total = 0, 0
    norm = network.architecture
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (norm.mean, norm.std))
    network.release_size()
    network.eval()
    with create_runner('onnxruntime', path) as runner:
        contract = runner.contract
        finish = Finisher(
            len(contract.labels), contract.logits_size, contract.label_size, contract.align_corners
        )
        segmenter = Segmenter(runner, output='network')
        for bgr in tqdm(images, unit='frame', desc='comparing with torch'):
            image = from_bgr(bgr)
            x = torch.from_numpy(image.rgb(contract.size)[np.newaxis].transpose(0, 3, 1, 2).copy())
            with torch.inference_mode():
                logits = network((x.float() - mean) / std)[0].numpy()
            expected = finish(logits, want_confidence=False)[0]
            found = segmenter.label(image)
            same += _count(expected == found)
            total += expected.size
    if not total:
        raise ValueError('expected pictures to compare on, got none')
    return same / total


def _count(where: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(where))
