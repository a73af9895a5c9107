"""The gate: a derived model is kept only when it labels real frames nearly as its original does."""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from tqdm import tqdm

from seg_perception.core.contract import Accuracy
from seg_perception.core.encodings import from_bgr
from seg_perception.core.labels import Grouping, LabelSet
from seg_perception.core.segmenter import Segmenter
from seg_perception.inference.choice import check_labels, create_runner, read_contract
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.models.evaluation.score import Scorer


class GateError(ValueError):
    """A derived model is worse than its limits allow."""


@dataclass(frozen=True)
class Limits:
    """What a derived model may cost.

    :param max_drop: of the mean IoU, in points of 100.
    :param min_agreement: share of pixels that must keep their label, 0 to 1.
    """

    max_drop: float = 1.0
    min_agreement: float = 0.95


@dataclass(frozen=True)
class Frames:
    """Labelled frames and how they are scored; `name` is what the file will call them."""

    folder: CityscapesFolder
    labels: LabelSet
    grouping: Grouping | None
    name: str


@dataclass(frozen=True)
class Comparison:
    """How a derived model labels frames beside its original.

    :param agreement: share of all pixels that have the same label in both, 0 to 1.
    :param original_miou: mean IoU of the original, 0 to 1.
    :param miou: of the derived model.
    """

    frames: int
    agreement: float
    original_miou: float
    miou: float

    @property
    def drop(self) -> float:
        """What the mean IoU lost, in points of 100; negative where it won."""
        return 100 * (self.original_miou - self.miou)

    def __str__(self) -> str:
        return (
            f'mIoU {self.original_miou:.4f} -> {self.miou:.4f} (drop {self.drop:.2f} points), '
            f'same label on {self.agreement:.3%} of the pixels of {self.frames} frames'
        )


def compare(original: Path, derived: Path, frames: Frames, *, threads: int = 0) -> Comparison:
    """Label frames with two contract files, both as the node does, and score both.

    :raises DatasetError: when a frame cannot be read.
    :raises ModelError: when a file is no contract model or not of these labels.
    :raises RunnerError: when a model's logits are not all finite.
    """
    same = total = 0
    with (
        create_runner('onnxruntime', original, threads=threads) as before,
        create_runner('onnxruntime', derived, threads=threads) as after,
        Scorer(frames.labels, frames.grouping) as score_before,
        Scorer(frames.labels, frames.grouping) as score_after,
    ):
        check_labels(before.contract, frames.labels)
        check_labels(after.contract, frames.labels)
        segmenters = Segmenter(before), Segmenter(after)
        for index in tqdm(range(len(frames.folder)), unit='frame', desc='comparing'):
            bgr, truth = frames.folder.labelled_image(index)
            expected, found = (segmenter.label(from_bgr(bgr)) for segmenter in segmenters)
            score_before.add(expected, truth)
            score_after.add(found, truth)
            same += int(np.count_nonzero(expected == found))
            total += expected.size
        return Comparison(
            frames=len(frames.folder),
            agreement=same / total,
            original_miou=score_before.score().miou,
            miou=score_after.score().miou,
        )


def keep_if_good(
    model: onnx.ModelProto,
    original: Path,
    output: Path,
    frames: Frames,
    limits: Limits,
    *,
    precision: str,
    commands: tuple[str, str],
    threads: int = 0,
) -> Comparison:
    """Compare a model with the file it was made from and write it where it keeps the limits.

    Its metadata tell how the two compared; of the original's accuracies none is taken over.

    :param commands: what made the file, and what measures its mean IoU again.
    :raises GateError: when it does not; then nothing is written and an older file stays.
    :raises OSError: when the file cannot be written.
    """
    made_by, measured_by = commands
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        draft = Path(folder) / output.name
        onnx.save(model, str(draft))
        found = compare(original, draft, frames, threads=threads)
        # Written so that a mean IoU of nothing, NaN, passes neither.
        if not (found.drop <= limits.max_drop and found.agreement >= limits.min_agreement):
            raise GateError(
                f'expected a drop of at most {limits.max_drop:g} points and the same label on at '
                f'least {limits.min_agreement:.3%} of the pixels, got {found}; {output} is not '
                'written: keep FP32, give more or other frames to calibrate on, or other limits'
            )
        contract = replace(
            read_contract(original),
            name=output.stem,
            accuracy=(Accuracy(found.miou, frames.name, measured_by),),
            date=datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
            precision=precision,
            derived_from={
                'sha256': hashlib.sha256(original.read_bytes()).hexdigest(),
                'miou': found.original_miou,
                'agreement': found.agreement,
                'dataset': frames.name,
                'frames': found.frames,
                'command': made_by,
            },
        )
        onnx.helper.set_model_props(model, contract.to_metadata())
        onnx.save(model, str(draft))
        draft.replace(output)
    return found
