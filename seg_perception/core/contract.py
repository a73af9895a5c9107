"""The model contract: what an ONNX file must carry to be run by this package.

Input `image`: uint8 [N, H, W, 3], RGB, at the network's resolution; N dynamic or fixed.
Output `logits`: float [N, C, h, w], C the number of labels, h and w the sides at the stride.
Metadata: the fields of `ModelContract` as text (see `ModelContract.to_metadata`).
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from seg_perception.core.labels import UNLABELLED, Label, parse_label

CONTRACT_VERSION = 1
LABEL_STRIDES = (1, 2, 4)
PRECISIONS = ('fp32', 'fp16', 'int8')
INPUT = 'image'
OUTPUT = 'logits'

_IMPORT = 'turn the file into a contract model with `python3 -m seg_perception model import`'
_EXPORT = 'write the file again with `python3 -m seg_perception model export`'


class ContractError(ValueError):
    """A model file breaks the contract; the message names the line and how to mend it."""


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
class Accuracy:
    """A measured mean IoU (0 to 1), on what, and the command that measured it."""

    miou: float
    dataset: str
    command: str


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
            _broken(file, 'metadata label_stride', expected, stride, _EXPORT)

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
        text = _Metadata(file, metadata)
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


def _broken(file: str, line: str, expected: str, got: object, mend: str) -> NoReturn:
    raise ContractError(
        f'{file}: breaks the model contract: {line}: expected {expected}, got {got}; mend: {mend}'
    )


def _listed(tensors: Sequence[TensorInfo]) -> str:
    return ', '.join(map(str, tensors)) or 'none'


def _check_input(file: str, inputs: Sequence[TensorInfo]) -> tuple[int | None, int, int]:
    """Return batch (None: dynamic), height and width."""
    match inputs:
        case [TensorInfo(name, 'uint8', (batch, int(height), int(width), 3))] if name == INPUT:
            if height > 0 and width > 0 and batch != 0:
                return batch if isinstance(batch, int) else None, height, width
    expected = f'one uint8 `{INPUT}` [N, H, W, 3] with fixed H and W'
    _broken(file, 'input', expected, _listed(inputs), _IMPORT)


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
    _broken(file, 'output', expected, _listed(outputs), _EXPORT)


class _Metadata:
    """Reads the fields of `metadata_props`; each method raises ContractError naming its key."""

    def __init__(self, file: str, metadata: Mapping[str, str]) -> None:
        self._file = file
        self._metadata = metadata

    def get(self, key: str) -> str:
        if key not in self._metadata:
            self._wrong(key, 'an entry', 'none')
        return self._metadata[key]

    def version(self) -> None:
        found = self._metadata.get('contract_version')
        if found is None:
            _broken(self._file, 'metadata contract_version', str(CONTRACT_VERSION), 'none', _IMPORT)
        if found != str(CONTRACT_VERSION):
            mend = f'{_EXPORT}, or use the release of seg_perception that wrote it'
            _broken(
                self._file, 'metadata contract_version', str(CONTRACT_VERSION), repr(found), mend
            )

    def word(self, key: str) -> str:
        value = self.get(key)
        if not value.strip():
            self._wrong(key, 'text', repr(value))
        return value

    def flag(self, key: str) -> bool:
        value = self.get(key)
        if value not in ('true', 'false'):
            self._wrong(key, '`true` or `false`', repr(value))
        return value == 'true'

    def stride(self) -> int:
        value = self.get('stride')
        if not re.fullmatch(r'[1-9][0-9]{0,3}', value):
            self._wrong('stride', 'a whole number from 1', repr(value))
        return int(value)

    def label_stride(self) -> int:
        value = self._metadata.get('label_stride', '1')
        if value not in map(str, LABEL_STRIDES):
            self._wrong('label_stride', 'one of 1, 2, 4', repr(value))
        return int(value)

    def sha256(self, key: str) -> str:
        value = self.get(key)
        if not re.fullmatch(r'([0-9a-f]{64})?', value):
            self._wrong(key, '64 lower-case hex digits or nothing', repr(value))
        return value

    def date(self, key: str) -> str:
        value = self.get(key)
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except ValueError:
            self._wrong(key, 'YYYY-MM-DD', repr(value))

    def labels(self) -> tuple[Label, ...]:
        expected = (
            f'a JSON list of 1 to {UNLABELLED - 1} different {{"name", "id", "color": [r, g, b]}}'
        )
        try:
            labels = tuple(parse_label(entry) for entry in self._json('labels'))
        except (KeyError, TypeError, ValueError) as error:
            self._wrong('labels', expected, repr(error))
        if not 0 < len(labels) < UNLABELLED or len({label.name for label in labels}) != len(labels):
            self._wrong('labels', expected, f'{len(labels)} labels')
        return labels

    def accuracy(self) -> tuple[Accuracy, ...]:
        expected = 'a JSON list of {"miou" (0 to 1), "dataset", "command"}'
        try:
            return tuple(_parse_accuracy(entry) for entry in self._json('accuracy'))
        except (KeyError, TypeError, ValueError) as error:
            self._wrong('accuracy', expected, repr(error))

    def precision(self) -> str:
        value = self._metadata.get('precision', PRECISIONS[0])
        if value not in PRECISIONS:
            self._wrong('precision', f'one of {", ".join(PRECISIONS)}', repr(value))
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        # The first files of this version have no such entry.
        text = self._metadata.get(key, '{}')
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            self._wrong(key, 'a JSON object', repr(text))
        return data

    def _json(self, key: str) -> list[Any]:
        data = json.loads(self.get(key))
        if not isinstance(data, list):
            raise TypeError(f'expected a list, got {type(data).__name__}')
        return data

    def _wrong(self, key: str, expected: str, got: str) -> NoReturn:
        _broken(self._file, f'metadata {key}', expected, got, _EXPORT)


def _parse_accuracy(entry: Mapping[str, Any]) -> Accuracy:
    miou = float(entry['miou'])
    if not 0 <= miou <= 1:
        raise ValueError(f'miou must be 0 to 1 in {entry}')
    return Accuracy(miou=miou, dataset=str(entry['dataset']), command=str(entry['command']))
