"""What an evaluation found, on what and how, as JSON."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2

from seg_perception.core.contract import ModelContract
from seg_perception.models.evaluation.score import Score
from seg_perception.models.evaluation.views import Windows


def environment() -> dict[str, str]:
    """Return the machine and the versions that results may depend on."""
    found = {
        'machine': f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores',
        'python': platform.python_version(),
        'opencv': cv2.__version__,
    }
    for package in ('numpy', 'onnxruntime', 'cityscapesscripts'):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file in hex digits."""
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def today() -> str:
    """Return the date as YYYY-MM-DD, in UTC."""
    return datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()


@dataclass(frozen=True)
class Matching:
    """How the predictions and the truth of two topics came together.

    :param table: what the truth's pixels mean (`config/truth`).
    :param counts: what became of the messages.
    """

    prediction: str
    truth: str
    table: str
    counts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Report:
    """An evaluation of a model on a folder, or of the labels of a recording or a live graph.

    :param frame_names: in the order of the score's frames.
    :param model: its name; empty where nobody told it.
    :param contract: what the model's file says, where the file is at hand; `sha256` likewise.
    :param split: of the folder; empty for a recording.
    :param mean: of what, where an image was seen in several views.
    :param matching: of a recording or a live graph.
    """

    score: Score
    frame_names: Sequence[str]
    model: str
    backend: str
    dataset: str
    label_set: str
    grouping: str | None
    command: str
    contract: ModelContract | None = None
    sha256: str | None = None
    split: str = ''
    windows: Windows | None = None
    flip: bool = False
    mean: str | None = None
    matching: Matching | None = None
    environment: Mapping[str, str] = field(default_factory=environment)
    date: str = field(default_factory=today)

    @property
    def metric(self) -> str:
        """What counted, in words."""
        if self.score.official:
            return f'cityscapesscripts {self.environment.get("cityscapesscripts", "")}'.rstrip()
        return 'the definition of cityscapesscripts'

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it; a number that there is none of is None."""
        score = self.score
        return {
            'miou': _number(score.miou),
            'class_iou': dict(score.class_iou),
            'pixel_accuracy': _number(score.pixel_accuracy),
            'groups': {name: asdict(group) for name, group in score.groups.items()},
            'frames': score.frames,
            'model': self.model,
            'model_sha256': self.sha256,
            'backend': self.backend,
            'dataset': self.dataset,
            'split': self.split,
            'label_set': self.label_set,
            'grouping': self.grouping,
            'windows': self.windows and {'crop': self.windows.crop, 'stride': self.windows.stride},
            'flip': self.flip,
            'mean_of': self.mean,
            'matching': self.matching and asdict(self.matching),
            'metric': self.metric,
            'confusion': {
                'rows': 'true class',
                'columns': 'predicted class; last: none of them',
                'pixels': score.confusion.tolist(),
            },
            'frame_miou': [
                {'frame': name, 'miou': miou}
                for name, miou in zip(self.frame_names, score.frame_miou, strict=True)
            ],
            'command': self.command,
            'date': self.date,
            'environment': dict(self.environment),
        }

    def write(self, path: Path) -> None:
        """Write the JSON file."""
        path.write_text(json.dumps(self.to_json(), indent=2) + '\n', encoding='utf-8')


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
