"""True labels as simulators send them, turned into trainIds.

A table (`config/truth/*.yaml`) says which number or colour means which label. Simulators send the
numbers themselves, in one channel of an image, or each number painted in its colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from seg_perception.core.encodings import ImageError, RawImage
from seg_perception.core.labels import UNLABELLED, LabelError, LabelSet
from seg_perception.resources import config_file

Image = npt.NDArray[np.uint8]
Carrier = Literal['value', 'color']

TRAIN_IDS = 'train_ids'
"""In the place of a table: the image holds trainIds already, as those of the scene camera do."""

_UNKNOWN = 254
"""Marks in look-up tables what is in no table; no label set reaches up to here."""

_CHANNELS = {
    'rgb8': {'red': 0, 'green': 1, 'blue': 2},
    'rgba8': {'red': 0, 'green': 1, 'blue': 2},
    'bgr8': {'red': 2, 'green': 1, 'blue': 0},
    'bgra8': {'red': 2, 'green': 1, 'blue': 0},
}


@dataclass(frozen=True)
class TruthValue:
    """What a simulator calls `name`: its number, colour (RGB) and trainId, 255 if none."""

    value: int
    name: str
    color: tuple[int, int, int] | None
    train_id: int


@dataclass(frozen=True)
class TruthTable:
    """What the numbers of a simulator mean, and the channel that carries them."""

    channel: str
    values: tuple[TruthValue, ...]


class TruthReader:
    """Turns the truth images of one source into trainIds, exactly.

    :param carrier: whether pixels hold numbers or colours.
    :raises LabelError: when colours are to be read that the table lacks or gives to two labels.
    """

    def __init__(self, table: TruthTable, carrier: Carrier = 'value') -> None:
        self._channel = table.channel
        self._by_value = np.full(256, _UNKNOWN, np.uint8)
        for entry in table.values:
            self._by_value[entry.value] = entry.train_id
        self._by_color = _color_table(table) if carrier == 'color' else None
        self.unknown = 0
        """Pixels so far whose number or colour is not in the table."""

    def read(self, image: RawImage) -> Image:
        """Return trainIds, uint8 [H, W]; 255 where the truth has no label or an unknown one.

        :raises ImageError: when the image cannot hold such truth.
        """
        if self._by_color is None:
            label = np.asarray(cv2.LUT(self._numbers(image), self._by_value), np.uint8)
        else:
            label = self._by_color[_packed(image)]
        unknown = int(np.count_nonzero(label == _UNKNOWN))
        if unknown:
            self.unknown += unknown
            label[label == _UNKNOWN] = UNLABELLED
        return label

    def _numbers(self, image: RawImage) -> Image:
        if image.encoding == 'mono8':
            return np.ascontiguousarray(image.planes)
        order = _CHANNELS.get(image.encoding)
        if order is None:
            raise ImageError(
                f'true labels: expected an image in mono8 or one of {", ".join(_CHANNELS)}, got '
                f'{image.encoding}: subscribe to the semantic camera'
            )
        return np.ascontiguousarray(image.planes[:, :, order[self._channel]])


def train_id_table(labels: LabelSet) -> TruthTable:
    """Return the table of truth that holds the trainIds of `labels`."""
    entries = tuple(TruthValue(n, label.name, None, n) for n, label in enumerate(labels.labels))
    return TruthTable('red', (*entries, TruthValue(UNLABELLED, 'unlabelled', None, UNLABELLED)))


def load_truth_table(source: str | Path, labels: LabelSet) -> TruthTable:
    """Read a table: a name (`config/truth/<name>.yaml`), the path of such a file, or `TRAIN_IDS`.

    :raises LabelError: when the file is missing, breaks the form or names labels not in `labels`.
    """
    if source == TRAIN_IDS:
        return train_id_table(labels)
    path = _table_file(source)
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LabelError(f'cannot read the truth table {path}: {error}') from error
    try:
        channel, of = str(data['channel']), str(data['label_set'])
        values = tuple(_entry(entry, labels) for entry in data['values'])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, LabelError):
            raise
        raise LabelError(
            f'{path} is not a truth table (expected label_set, channel and values with value, name '
            f'and, where there are such, color and label): {error!r}'
        ) from error
    if of != labels.name:
        raise LabelError(f'{path} is for the label set {of!r}, got {labels.name!r}')
    if channel not in _CHANNELS['rgb8']:
        raise LabelError(f'{path}: channel must be red, green or blue, got {channel!r}')
    numbers = [entry.value for entry in values]
    if len(set(numbers)) != len(numbers) or not all(0 <= number <= 255 for number in numbers):
        raise LabelError(f'{path}: values must be different numbers from 0 to 255')
    return TruthTable(channel, values)


def _entry(entry: dict[str, object], labels: LabelSet) -> TruthValue:
    color = entry.get('color')
    rgb = tuple(int(part) for part in color) if isinstance(color, list) else None
    if rgb is not None and (len(rgb) != 3 or not all(0 <= part <= 255 for part in rgb)):
        raise ValueError(f'color must be three numbers from 0 to 255 in {entry}')
    label = entry.get('label')
    return TruthValue(
        value=int(str(entry['value'])),
        name=str(entry['name']),
        color=(rgb[0], rgb[1], rgb[2]) if rgb else None,
        train_id=UNLABELLED if label is None else labels.train_id(str(label)),
    )


def _table_file(source: str | Path) -> Path:
    path = Path(source)
    if path.suffix in ('.yaml', '.yml'):
        return path
    try:
        return config_file(f'truth/{source}.yaml')
    except FileNotFoundError as error:
        known = sorted(p.name.removesuffix('.yaml') for p in config_file('truth').glob('*.yaml'))
        raise LabelError(
            f'no truth table of the name {str(source)!r}; known are {TRAIN_IDS}, '
            f'{", ".join(known)}, or give the path of one'
        ) from error


def _color_table(table: TruthTable) -> Image:
    """Return trainIds by colour, uint8 [2 ** 24], indexed as `_packed` packs colours."""
    by_color = np.full(1 << 24, _UNKNOWN, np.uint8)
    for entry in table.values:
        if entry.color is None:
            raise LabelError(
                f'the truth table gives {entry.name!r} no color: add it or send numbers'
            )
        red, green, blue = entry.color
        place = red << 16 | green << 8 | blue
        if by_color[place] not in (_UNKNOWN, entry.train_id):
            raise LabelError(f'the truth table gives the color {entry.color} to two labels')
        by_color[place] = entry.train_id
    return by_color


def _packed(image: RawImage) -> npt.NDArray[np.uint32]:
    order = _CHANNELS.get(image.encoding)
    if order is None:
        raise ImageError(
            f'true labels as colours: expected an image in {", ".join(_CHANNELS)}, got '
            f'{image.encoding}: subscribe to the semantic camera'
        )
    packed = image.planes[:, :, order['red']].astype(np.uint32)
    for name in ('green', 'blue'):
        packed <<= 8
        packed |= image.planes[:, :, order[name]]
    return packed
