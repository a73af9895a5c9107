"""The metadata of a model file, as text under flat keys, read and checked."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from seg_perception.core.labels import UNLABELLED, Label, parse_label

CONTRACT_VERSION = 1
LABEL_STRIDES = (1, 2, 4)
PRECISIONS = ('fp32', 'fp16', 'int8')

IMPORT = 'turn the file into a contract model with `python3 -m seg_perception model import`'
EXPORT = 'write the file again with `python3 -m seg_perception model export`'


class ContractError(ValueError):
    """A model file breaks the contract; the message names the line and how to mend it."""


@dataclass(frozen=True)
class Accuracy:
    """A measured mean IoU (0 to 1), on what, and the command that measured it."""

    miou: float
    dataset: str
    command: str


def broken(file: str, line: str, expected: str, got: object, mend: str) -> ContractError:
    """Return the error of a file that breaks a line of the contract."""
    return ContractError(
        f'{file}: breaks the model contract: {line}: expected {expected}, got {got}; mend: {mend}'
    )


class Metadata:
    """Reads the fields of `metadata_props`; each method raises ContractError naming its key."""

    def __init__(self, file: str, metadata: Mapping[str, str]) -> None:
        self._file = file
        self._metadata = metadata

    def get(self, key: str) -> str:
        """Return the text of an entry."""
        if key not in self._metadata:
            self._wrong(key, 'an entry', 'none')
        return self._metadata[key]

    def version(self) -> None:
        """Check the version of the contract."""
        found = self._metadata.get('contract_version')
        if found is None:
            raise broken(
                self._file, 'metadata contract_version', str(CONTRACT_VERSION), 'none', IMPORT
            )
        if found != str(CONTRACT_VERSION):
            mend = f'{EXPORT}, or use the release of seg_perception that wrote it'
            raise broken(
                self._file, 'metadata contract_version', str(CONTRACT_VERSION), repr(found), mend
            )

    def word(self, key: str) -> str:
        """Return text that is not empty."""
        value = self.get(key)
        if not value.strip():
            self._wrong(key, 'text', repr(value))
        return value

    def flag(self, key: str) -> bool:
        """Return what `true` or `false` stands for."""
        value = self.get(key)
        if value not in ('true', 'false'):
            self._wrong(key, '`true` or `false`', repr(value))
        return value == 'true'

    def stride(self) -> int:
        """Return the input pixels per logit."""
        value = self.get('stride')
        if not re.fullmatch(r'[1-9][0-9]{0,3}', value):
            self._wrong('stride', 'a whole number from 1', repr(value))
        return int(value)

    def label_stride(self) -> int:
        """Return the input pixels a side for each label; 1 where there is no entry."""
        value = self._metadata.get('label_stride', '1')
        if value not in map(str, LABEL_STRIDES):
            self._wrong('label_stride', 'one of 1, 2, 4', repr(value))
        return int(value)

    def sha256(self, key: str) -> str:
        """Return 64 hex digits or nothing."""
        value = self.get(key)
        if not re.fullmatch(r'([0-9a-f]{64})?', value):
            self._wrong(key, '64 lower-case hex digits or nothing', repr(value))
        return value

    def date(self, key: str) -> str:
        """Return a date, YYYY-MM-DD."""
        value = self.get(key)
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except ValueError:
            self._wrong(key, 'YYYY-MM-DD', repr(value))

    def labels(self) -> tuple[Label, ...]:
        """Return the classes in trainId order."""
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
        """Return what was measured."""
        expected = 'a JSON list of {"miou" (0 to 1), "dataset", "command"}'
        try:
            return tuple(_parse_accuracy(entry) for entry in self._json('accuracy'))
        except (KeyError, TypeError, ValueError) as error:
            self._wrong('accuracy', expected, repr(error))

    def precision(self) -> str:
        """Return one of `PRECISIONS`; the first where there is no entry."""
        value = self._metadata.get('precision', PRECISIONS[0])
        if value not in PRECISIONS:
            self._wrong('precision', f'one of {", ".join(PRECISIONS)}', repr(value))
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """Return a JSON object; an empty one where there is no entry."""
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
        raise broken(self._file, f'metadata {key}', expected, got, EXPORT)


def _parse_accuracy(entry: Mapping[str, Any]) -> Accuracy:
    miou = float(entry['miou'])
    if not 0 <= miou <= 1:
        raise ValueError(f'miou must be 0 to 1 in {entry}')
    return Accuracy(miou=miou, dataset=str(entry['dataset']), command=str(entry['command']))
