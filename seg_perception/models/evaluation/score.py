"""A model's accuracy on labelled frames, by the official Cityscapes metric.

Frames go through the same `Segmenter` as in the node; labels are scored at the camera's size.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from seg_perception.core.encodings import RawImage, view_image
from seg_perception.core.labels import Grouping, LabelSet
from seg_perception.core.segmenter import Segmenter
from seg_perception.models.dataset import CityscapesFolder, Image


@dataclass(frozen=True)
class Score:
    """What the official metric says.

    :param miou: mean of `class_iou` over the classes that occur in truth or prediction, 0 to 1.
    :param class_iou: IoU of each class, None where it occurs in neither.
    :param pixel_accuracy: share of labelled pixels that have the right class.
    """

    miou: float
    class_iou: Mapping[str, float | None]
    pixel_accuracy: float
    frames: int


def evaluate(
    segmenter: Segmenter,
    folder: CityscapesFolder,
    labels: LabelSet,
    grouping: Grouping | None = None,
) -> Score:
    """Segment every frame of a folder and score it, with a progress bar.

    :param grouping: classes merged in prediction and truth alike before scoring.
    :raises DatasetError: when a file of the folder cannot be read.
    """
    pairs = (
        (
            segmenter.segment(camera_image(folder.image(index)), want_confidence=False).label,
            folder.truth(index),
        )
        for index in tqdm(range(len(folder)), unit='frame', desc=f'evaluating {folder.split}')
    )
    return score(pairs, labels, grouping)


def camera_image(bgr: Image) -> RawImage:
    """Return a picture, uint8 [H, W, 3], as the camera image that the segmenter takes."""
    height, width = bgr.shape[:2]
    return view_image(
        encoding='bgr8',
        width=width,
        height=height,
        step=width * 3,
        is_bigendian=False,
        data=np.ascontiguousarray(bgr).reshape(-1).data,
    )


def score(
    pairs: Iterable[tuple[Image, Image]], labels: LabelSet, grouping: Grouping | None = None
) -> Score:
    """Score (prediction, truth) pairs of trainIds, uint8 [H, W] each, by the official scripts.

    The scripts know the labelIds of Cityscapes and read files; a class of a grouping stands there
    under the id of its first label. What belongs to no class is left out where it is the truth and
    is an error where it is the prediction.
    """
    representatives = _representatives(labels, grouping)
    table = np.zeros(256, np.uint8)
    for train_id in range(len(labels.labels)):
        group = train_id if grouping is None else int(grouping.table[train_id])
        if group < len(representatives):
            table[train_id] = labels.labels[representatives[group]].id
    with tempfile.TemporaryDirectory() as folder:
        files = list(_write(pairs, table, Path(folder)))
        confusion = _official_confusion(files)
    names = labels.names if grouping is None else grouping.classes
    ids = [labels.labels[train_id].id for train_id in representatives]
    class_iou = {
        name: _official_iou(number, confusion) for name, number in zip(names, ids, strict=True)
    }
    valid = [iou for iou in class_iou.values() if iou is not None]
    judged = confusion[ids].sum()
    return Score(
        miou=float(np.mean(valid)) if valid else float('nan'),
        class_iou=class_iou,
        pixel_accuracy=float(confusion[ids, ids].sum() / judged) if judged else float('nan'),
        frames=len(files),
    )


def _representatives(labels: LabelSet, grouping: Grouping | None) -> Sequence[int]:
    if grouping is None:
        return range(len(labels.labels))
    return [
        int(np.flatnonzero(grouping.table == number)[0]) for number in range(len(grouping.classes))
    ]


def _write(
    pairs: Iterable[tuple[Image, Image]], table: npt.NDArray[np.uint8], folder: Path
) -> Iterator[tuple[str, str]]:
    for index, images in enumerate(pairs):
        names = [str(folder / f'{index}_{kind}.png') for kind in ('prediction', 'truth')]
        for name, image in zip(names, images, strict=True):
            if not cv2.imwrite(name, np.asarray(cv2.LUT(image, table))):
                raise OSError(f'cannot write {name}: is the disk full?')
        yield names[0], names[1]


def _official_confusion(files: Sequence[tuple[str, str]]) -> npt.NDArray[np.int64]:
    official = _official_scripts()
    options = copy.copy(official.args)
    options.quiet, options.JSONOutput = True, False
    # The instance score needs instance files, and a function that NumPy 2.4 took away.
    options.evalInstLevelScore = False
    result = official.evaluateImgLists(
        [prediction for prediction, _ in files], [truth for _, truth in files], options
    )
    return np.array(result['confMatrix'], np.int64)


def _official_iou(label_id: int, confusion: npt.NDArray[np.int64]) -> float | None:
    official = _official_scripts()
    options = copy.copy(official.args)
    official.generateMatrix(options)
    iou = float(official.getIouScoreForLabel(label_id, confusion, options))
    return None if np.isnan(iou) else iou


def _official_scripts() -> ModuleType:
    # Imported late: it pulls in a plotting library, which `model info` can do without.
    return import_module('cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling')
