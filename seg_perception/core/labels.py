"""Label sets: which number in a label image means what, and what a vehicle makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from seg_perception.resources import config_file

UNLABELLED = 255
"""The value of a pixel that has no label or none that can be trusted (as in vision_msgs)."""

DRIVABLE = 'drivable'
OBSTACLE = 'obstacle'


class LabelError(ValueError):
    """A label file is damaged, or something asked of a label set is not in it."""


@dataclass(frozen=True)
class Label:
    """One class: its name, the dataset's own id and its colour as (red, green, blue), 0 to 255."""

    name: str
    id: int
    color: tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """The classes of a model in trainId order, and named groups of them.

    A trainId is the index into `labels` and the value in a label image; `UNLABELLED` (255) is
    never in a group.
    """

    name: str
    labels: tuple[Label, ...]
    groups: Mapping[str, frozenset[int]]

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in trainId order."""
        return tuple(label.name for label in self.labels)

    def train_id(self, name: str) -> int:
        """Return the trainId of a class.

        :raises LabelError: when the set has no class of that name.
        """
        try:
            return self.names.index(name)
        except ValueError:
            known = ', '.join(self.names)
            raise LabelError(
                f'label set {self.name} has no class {name!r}; it has {known}'
            ) from None

    def group_table(self, group: str) -> npt.NDArray[np.uint8]:
        """Return a look-up table, uint8 [256]: 255 at the group's trainIds, else 0.

        :raises LabelError: when the set has no such group.
        """
        if group not in self.groups:
            known = ', '.join(sorted(self.groups)) or 'none'
            raise LabelError(
                f'label set {self.name} has no group {group!r}; it has {known}; '
                'where the group has a meaning, add it to a copy of the file and name that'
            )
        table = np.zeros(256, np.uint8)
        table[sorted(self.groups[group])] = 255
        return table

    def color_table(self) -> npt.NDArray[np.uint8]:
        """Return the colours as a look-up table, BGR, uint8 [256, 3]; black if unlabelled."""
        table = np.zeros((256, 3), np.uint8)
        for train_id, label in enumerate(self.labels):
            table[train_id] = label.color[::-1]
        return table

    def id_to_train_id(self) -> npt.NDArray[np.uint8]:
        """Return a look-up table, uint8 [256], from dataset ids to trainIds; others become 255."""
        table = np.full(256, UNLABELLED, np.uint8)
        for train_id, label in enumerate(self.labels):
            table[label.id] = train_id
        return table

    def train_id_to_id(self) -> npt.NDArray[np.uint8]:
        """Return a look-up table, uint8 [256], from trainIds to dataset ids; others become 0."""
        table = np.zeros(256, np.uint8)
        for train_id, label in enumerate(self.labels):
            table[train_id] = label.id
        return table


def load_label_set(source: str | Path = 'cityscapes') -> LabelSet:
    """Read a label set: a name (`config/labels/<name>.yaml`) or the path of such a file.

    :raises LabelError: when the file is missing or breaks the form; the message says where.
    """
    path = _label_file(source)
    data = _read_yaml(path)
    try:
        labels = tuple(parse_label(entry) for entry in data['labels'])
        groups = data.get('groups') or {}
        name = str(data['name'])
        members = {str(group): [str(item) for item in names] for group, names in groups.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LabelError(
            f'{path} is not a label set (expected name, labels with name, id and color, '
            f'groups of label names): {error!r}'
        ) from error
    names = [label.name for label in labels]
    distinct = min(len(set(names)), len({label.id for label in labels}))
    if not 0 < len(labels) < UNLABELLED or distinct != len(labels):
        raise LabelError(
            f'{path} must list 1 to {UNLABELLED - 1} classes of different names and ids, '
            f'got {len(labels)}, {distinct} of them different'
        )
    for group, listed in members.items():
        unknown = sorted(set(listed) - set(names))
        if unknown:
            raise LabelError(f'{path}: group {group!r} lists unknown classes {", ".join(unknown)}')
    return LabelSet(
        name=name,
        labels=labels,
        groups={
            g: frozenset(names.index(item) for item in listed) for g, listed in members.items()
        },
    )


@dataclass(frozen=True)
class Grouping:
    """A coarser set of classes to score in: `table` maps trainIds to class numbers (255: none)."""

    name: str
    classes: tuple[str, ...]
    table: npt.NDArray[np.uint8]


def load_grouping(source: str | Path, labels: LabelSet) -> Grouping:
    """Read a grouping of `labels`: a name (`config/labels/<name>.yaml`) or the path of such a file.

    :raises LabelError: when the file is missing, breaks the form or names classes not in `labels`.
    """
    path = _label_file(source)
    data = _read_yaml(path)
    classes = data.get('classes')
    if not (
        isinstance(classes, dict)
        and classes
        and all(isinstance(members, list) for members in classes.values())
    ):
        raise LabelError(f'{path} is not a grouping (expected `classes`: lists of label names)')
    if data.get('label_set') != labels.name:
        raise LabelError(f'{path} groups {data.get("label_set")!r}, the model has {labels.name!r}')
    table = np.full(256, UNLABELLED, np.uint8)
    for number, members in enumerate(classes.values()):
        for member in members:
            train_id = labels.train_id(str(member))
            if table[train_id] != UNLABELLED:
                raise LabelError(f'{path}: {member!r} is in two classes; leave it in one')
            table[train_id] = number
    return Grouping(
        name=str(data.get('name', path.stem)), classes=tuple(map(str, classes)), table=table
    )


def _label_file(source: str | Path) -> Path:
    path = Path(source)
    if path.suffix in ('.yaml', '.yml'):
        return path
    try:
        return config_file(f'labels/{source}.yaml')
    except FileNotFoundError as error:
        known = ', '.join(sorted(p.stem for p in config_file('labels').glob('*.yaml')))
        raise LabelError(
            f'no label file of the name {str(source)!r}; known are {known}, or give the path of one'
        ) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LabelError(f'cannot read the label file {path}: {error}') from error
    if not isinstance(data, dict):
        raise LabelError(
            f'{path} is not a label file: expected a mapping, got {type(data).__name__}'
        )
    return data


def parse_label(entry: Mapping[str, Any]) -> Label:
    """Return a class from its name, id and color, as label and model files hold them.

    :raises KeyError, TypeError, ValueError: when the entry is not such.
    """
    red, green, blue = (int(value) for value in entry['color'])
    if not all(0 <= value <= 255 for value in (red, green, blue, int(entry['id']))):
        raise ValueError(f'id and color must be 0 to 255 in {dict(entry)}')
    return Label(name=str(entry['name']), id=int(entry['id']), color=(red, green, blue))
