"""The model contract: what an ONNX file must carry to be run by this package.

Input `image`: uint8 [N, H, W, 3], RGB, at the network's resolution; N dynamic or fixed.
Output `logits`: float [N, C, h, w], C the number of labels, h and w the sides at the stride.
Metadata: the fields of `ModelContract` as text (see `ModelContract.to_metadata`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seg_perception.core.contract_metadata import (
    CONTRACT_VERSION,
    EXPORT,
    IMPORT,
    LABEL_STRIDES,
    PRECISIONS,
    Accuracy,
    ContractError,
    Metadata,
    broken,
)
from seg_perception.core.labels import Label

__all__ = [
    'CONTRACT_VERSION',
    'INPUT',
    'LABEL_STRIDES',
    'OUTPUT',
    'PRECISIONS',
    'Accuracy',
    'ContractError',
    'ModelContract',
    'TensorInfo',
]

INPUT = 'image'
OUTPUT = 'logits'


@dataclass(frozen=True)
class TensorInfo:
    """An input or output as the file declares it; a dynamic side is a name or None."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]

    def __str__(self) -> str:
        sides = ', '.join('?' if side is None else str(side) for side in self.shape)
        return f'{self.dtype} `{self.name}` [{sides}]'


@dataclass(frozen=True)
class ModelContract:
    """What a model file says of itself.

    `width` and `height` are the input's sides in pixels; `batch` is None where it is dynamic;
    `stride` is input pixels per logit; `align_corners` is the rule by which logits are up-sampled;
    `date` is YYYY-MM-DD; `source_url` and `source_sha256` are empty where no file was imported;
    `configuration` is what of the architecture no tensor tells, as JSON has it, and empty where
    that is not known; `precision` is one of `PRECISIONS`; `derived_from` is empty but in a file
    that `model quantize` made: the original's `sha256` and `miou`, the `agreement` of both and the
    `command` that made it; `label_stride` is input pixels a side for each label.
    """

    name: str
    architecture: str
    label_set: str
    labels: tuple[Label, ...]
    width: int
    height: int
    batch: int | None
    stride: int
    align_corners: bool
    trained_on: str
    weights_license: str
    data_license: str
    source_url: str
    source_sha256: str
    accuracy: tuple[Accuracy, ...]
    date: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    precision: str = 'fp32'
    derived_from: Mapping[str, Any] = field(default_factory=dict)
    label_stride: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the network's input."""
        return self.width, self.height

    @property
    def label_size(self) -> tuple[int, int]:
        """(width, height) of the labels that the finish makes."""
        return self.width // self.label_stride, self.height // self.label_stride

    @property
    def logits_size(self) -> tuple[int, int]:
        """(width, height) of the logits."""
        return -(-self.width // self.stride), -(-self.height // self.stride)

    def to_metadata(self) -> dict[str, str]:
        """Return the text that the file's `metadata_props` hold, under flat keys."""
        return {
            'contract_version': str(CONTRACT_VERSION),
            'name': self.name,
            'architecture': self.architecture,
            'label_set': self.label_set,
            'labels': json.dumps([asdict(label) for label in self.labels]),
            'stride': str(self.stride),
            'align_corners': str(self.align_corners).lower(),
            'trained_on': self.trained_on,
            'weights_license': self.weights_license,
            'data_license': self.data_license,
            'source_url': self.source_url,
            'source_sha256': self.source_sha256,
            'accuracy': json.dumps([asdict(accuracy) for accuracy in self.accuracy]),
            'date': self.date,
            'configuration': json.dumps(dict(self.configuration)),
            'precision': self.precision,
            'derived_from': json.dumps(dict(self.derived_from)),
            'label_stride': str(self.label_stride),
        }

    def check_label_stride(self, file: str) -> None:
        """Check that labels can be made at `label_stride`; `file` is the file's name in messages.

        Coarser labels than logits would leave some of these unseen, and where corners are aligned
        the places of coarse labels are not those of the pixels between which they lie.

        :raises ContractError: when they cannot.
        """
        stride = self.label_stride
        coarse = stride in LABEL_STRIDES and stride <= self.stride and not self.align_corners
        if stride != 1 and (not coarse or self.width % stride or self.height % stride):
            expected = (
                f'1, or where align_corners is false 2 or 4 up to the stride ({self.stride}) and '
                f'dividing {self.width}x{self.height}'
            )
            raise broken(file, 'metadata label_stride', expected, stride, EXPORT)

    @classmethod
    def from_file_parts(
        cls,
        file: str,
        metadata: Mapping[str, str],
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
    ) -> ModelContract:
        """Read and check a file's declarations; `file` is its name in messages.

        :raises ContractError: at the first line of the contract that the file breaks.
        """
        batch, height, width = _check_input(file, inputs)
        text = Metadata(file, metadata)
        text.version()
        contract = cls(
            name=text.word('name'),
            architecture=text.word('architecture'),
            label_set=text.word('label_set'),
            labels=text.labels(),
            width=width,
            height=height,
            batch=batch,
            stride=text.stride(),
            align_corners=text.flag('align_corners'),
            trained_on=text.word('trained_on'),
            weights_license=text.word('weights_license'),
            data_license=text.word('data_license'),
            source_url=text.get('source_url'),
            source_sha256=text.sha256('source_sha256'),
            accuracy=text.accuracy(),
            date=text.date('date'),
            configuration=text.mapping('configuration'),
            precision=text.precision(),
            derived_from=text.mapping('derived_from'),
            label_stride=text.label_stride(),
        )
        contract.check_label_stride(file)
        _check_output(file, outputs, contract)
        return contract


def _listed(tensors: Sequence[TensorInfo]) -> str:
    return ', '.join(map(str, tensors)) or 'none'


def _check_input(file: str, inputs: Sequence[TensorInfo]) -> tuple[int | None, int, int]:
    """Return batch (None: dynamic), height and width."""
    match inputs:
        case [TensorInfo(name, 'uint8', (batch, int(height), int(width), 3))] if name == INPUT:
            if height > 0 and width > 0 and batch != 0:
                return batch if isinstance(batch, int) else None, height, width
    expected = f'one uint8 `{INPUT}` [N, H, W, 3] with fixed H and W'
    raise broken(file, 'input', expected, _listed(inputs), IMPORT)


def _check_output(file: str, outputs: Sequence[TensorInfo], contract: ModelContract) -> None:
    batch = 'N' if contract.batch is None else contract.batch
    (width, height), classes = contract.logits_size, len(contract.labels)
    match outputs:
        case [TensorInfo(name, 'float32' | 'float16', (first, *rest))] if name == OUTPUT:
            same_batch = (first if isinstance(first, int) else None) == contract.batch
            if same_batch and rest == [classes, height, width]:
                return
    expected = (
        f'one float `{OUTPUT}` [{batch}, {classes}, {height}, {width}] '
        f'({classes} labels, stride {contract.stride})'
    )
    raise broken(file, 'output', expected, _listed(outputs), EXPORT)
