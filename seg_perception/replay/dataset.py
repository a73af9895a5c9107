"""Labelled frames of driving data sets, in the folder layouts that they come in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.core.labels import UNLABELLED, LabelSet, load_label_set
from seg_perception.models.dataset import CityscapesFolder, DatasetError
from seg_perception.sim.sources import IMAGE_SUFFIXES

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """A labelled frame.

    :ivar image: the file of the camera image.
    :ivar truth: reads the trainIds, uint8 [H, W], 255 where there is none; raises DatasetError.
    :ivar intrinsics: fx, fy, cx, cy in pixels, where known.
    """

    name: str
    image: Path
    truth: Callable[[], Image]
    intrinsics: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Dataset:
    """The samples of a folder in order, and what their labels mean."""

    samples: Sequence[Sample]
    labels: LabelSet


def open_dataset(
    root: Path, split: str, label_set: str | None = None, *, annotation: str = 'gtFine'
) -> Dataset:
    """Open a data set in one of three layouts.

    - Cityscapes: `leftImg8bit/<split>/<city>/`, `<annotation>/…`, `camera/…` where it is there.
    - KITTI's semantics: `training/image_2/`, `training/semantic/` (Cityscapes' labelIds) and, as in
      its other benchmarks, `training/calib/`, where it is there.
    - CamVid as in the SegNet tutorial: `<split>/` and `<split>annot/` with trainIds.

    :param label_set: of the truth; None is cityscapes, of the SegNet tutorial camvid.
    :raises DatasetError: when the folder has none of these layouts.
    :raises LabelError: when there is no such label set.
    """
    if (root / 'leftImg8bit').is_dir():
        labels = load_label_set(label_set or 'cityscapes')
        return Dataset(_cityscapes(root, split, labels, annotation), labels)
    for training in (root / 'training', root):
        if (training / 'image_2').is_dir() and (training / 'semantic').is_dir():
            labels = load_label_set(label_set or 'cityscapes')
            return Dataset(_kitti(training, labels), labels)
    if (root / split).is_dir() and (root / f'{split}annot').is_dir():
        labels = load_label_set(label_set or 'camvid')
        return Dataset(_tutorial(root, split, labels), labels)
    raise DatasetError(
        f'{root}: expected leftImg8bit/{split} (Cityscapes), training/image_2 and '
        f'training/semantic (KITTI) or {split} and {split}annot (SegNet tutorial)'
    )


def _cityscapes(root: Path, split: str, labels: LabelSet, annotation: str) -> list[Sample]:
    folder = CityscapesFolder(root, split, labels, annotation)
    samples = []
    for index, frame in enumerate(folder.frames):
        calibration = (
            root / 'camera' / split / frame.image.parent.name / f'{frame.name}_camera.json'
        )
        intrinsics = _cityscapes_camera(calibration) if calibration.is_file() else None
        samples.append(Sample(frame.name, frame.image, partial(folder.truth, index), intrinsics))
    return samples


def _cityscapes_camera(path: Path) -> tuple[float, float, float, float]:
    try:
        values = json.loads(path.read_text(encoding='utf-8'))['intrinsic']
        fx, fy, cx, cy = (float(values[name]) for name in ('fx', 'fy', 'u0', 'v0'))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f'{path}: expected intrinsic with fx, fy, u0, v0 ({error!r})') from error
    return fx, fy, cx, cy


def _kitti(root: Path, labels: LabelSet) -> list[Sample]:
    samples = []
    for image in _images(root / 'image_2'):
        truth = _beside(image, root / 'semantic')
        calibration = root / 'calib' / f'{image.stem}.txt'
        intrinsics = _kitti_camera(calibration) if calibration.is_file() else None
        read = partial(_indices, truth, labels.id_to_train_id())
        samples.append(Sample(image.stem, image, read, intrinsics))
    return samples


def _kitti_camera(path: Path) -> tuple[float, float, float, float]:
    lines = dict(line.split(':', 1) for line in path.read_text().splitlines() if ':' in line)
    try:
        matrix = [float(number) for number in lines['P2'].split()]
        return matrix[0], matrix[5], matrix[2], matrix[6]
    except (KeyError, ValueError, IndexError) as error:
        raise DatasetError(f'{path}: expected a line P2: with 12 numbers ({error!r})') from error


def _tutorial(root: Path, split: str, labels: LabelSet) -> list[Sample]:
    table = np.full(256, UNLABELLED, np.uint8)
    table[: len(labels.labels)] = range(len(labels.labels))
    return [
        Sample(
            image.stem,
            image,
            partial(_indices, _beside(image, root / f'{split}annot'), table),
            None,
        )
        for image in _images(root / split)
    ]


def _images(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise DatasetError(f'{folder}: expected images, got none')
    return found


def _beside(image: Path, folder: Path) -> Path:
    truth = folder / f'{image.stem}.png'
    if not truth.is_file():
        raise DatasetError(f'{image.name} has no labels: expected {truth}')
    return truth


def _indices(path: Path, table: Image) -> Image:
    """Read 8-bit labels and return their trainIds."""
    indices = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if indices is None or indices.ndim != 2 or indices.dtype != np.uint8:
        raise DatasetError(f'{path}: expected an 8-bit grey image of label numbers')
    return np.asarray(cv2.LUT(indices, table), np.uint8)
