"""Segments an input into a run: everything about `replay run` but its command line."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import LabelSet, load_label_set
from seg_perception.files import sha256_of
from seg_perception.inference.base import Runner
from seg_perception.inference.choice import check_labels
from seg_perception.models.evaluation.report import environment
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.frame import Frame, Frames
from seg_perception.replay.frames import open_frames
from seg_perception.replay.outputs import DEFAULT_OUTPUTS
from seg_perception.replay.parameters import Parameters
from seg_perception.replay.pipeline import Pipeline, Result, count_row
from seg_perception.replay.run_folder import Run, RunFolder
from seg_perception.replay.storage import FIRST, LAST, BagError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

FRAMES_A_FILE = 200
"""After so many frames a file is finished: what a killed run does again at most."""

WARM_UP = 64
"""So many frames before are seen again by a run that goes on: health depends on those before."""

_BAR = '{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]'
_STEPS = 1000


@dataclass(frozen=True)
class Selection:
    """Which frames of an input are taken.

    :ivar topics: of the images, patterns of fnmatch.
    :ivar start: seconds after the first frame; `stop` likewise, None for all.
    :ivar every: each so manieth frame of a camera.
    :ivar rate: images per second of a folder.
    """

    topics: tuple[str, ...] = ()
    start: float = 0.0
    stop: float | None = None
    every: int = 1
    rate: float = 10.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f'--every: expected 1 (each frame) or more, got {self.every}')
        if self.stop is not None and self.stop <= self.start:
            raise ValueError(f'--to: expected more than --from {self.start:g}, got {self.stop:g}')

    def read(self, frames: Frames) -> Iterator[Frame]:
        """Yield those of the input."""
        start, stop = FIRST, LAST
        if self.start or self.stop is not None:
            first = next(frames.read(), None)
            if first is None:
                return
            start = first.time + round(self.start * 1e9)
            stop = LAST if self.stop is None else first.time + round(self.stop * 1e9)
        seen = Counter[str]()
        for frame in frames.read(start, stop):
            if seen[frame.camera.name] % self.every == 0:
                yield frame
            seen[frame.camera.name] += 1


def run(
    source: str | Path,
    folder: Path,
    parameters: Parameters,
    selection: Selection | None = None,
    *,
    wanted: Sequence[str] = DEFAULT_OUTPUTS,
    command: str = '',
    progress: bool = True,
) -> Run:
    """Segment the frames of an input; a run that was killed goes on where its last file ends.

    :param source: a recording, a folder of images or a video.
    :param folder: for the run; new, or with the beginning of this run.
    :param wanted: names of `outputs.OUTPUTS`.
    :raises BagError: when the input cannot be read at all or has no frame.
    :raises RunError: when the folder holds something else.
    :raises LabelError, ModelError, RunnerError, ValueError: when the parameters cannot be used.
    """
    selection = selection or Selection()
    frames = open_frames(source, selection.topics, rate=selection.rate)
    labels = load_label_set(parameters.values['label_set'])
    with parameters.runner() as runner:
        check_labels(runner.contract, labels)
        settings = _settings(frames, parameters, selection, runner, wanted)
        made = RunFolder(folder, settings)
        again = min(made.state.taken, WARM_UP)
        pipeline = Pipeline(runner, labels, parameters, frames.cameras, wanted=wanted)
        for row in islice(made.rows(), made.state.taken - again):
            count_row(pipeline.counts, row)
        about = {
            'command': command,
            'model': _card(runner.contract, parameters.model),
            'labels': _labels(labels),
            'backend': runner.name,
            'topics': {
                camera: {name: topic for name, (topic, _) in topics.items()}
                for camera, topics in pipeline.topics.items()
            },
            'environment': environment(),
        }
        chosen = islice(selection.read(frames), made.state.taken - again, None)
        bar = tqdm(total=_STEPS, desc='segmenting', bar_format=_BAR, disable=_hidden(progress))
        results = pipeline.results(chosen)
        recording = _Recording(made, pipeline, frames, about)
        with bar, recording, closing(results):
            for result in islice(results, again, None):
                recording.add(result)
                bar.set_postfix_str(f'{recording.taken} frames', refresh=False)
                bar.update(int(frames.progress * _STEPS) - bar.n)
            bar.update(_STEPS - bar.n)
    if not made.state.taken:
        raise BagError(f'{frames.path}: expected frames, got none{_why(frames)}')
    return Run.load(folder)


class _Recording:
    """Writes results and makes them valid file by file."""

    def __init__(
        self, made: RunFolder, pipeline: Pipeline, frames: Frames, about: dict[str, Any]
    ) -> None:
        self._made = made
        self._frames = frames
        self._about = about
        self._rows: list[dict[str, Any]] = []
        counts = made.state.counts
        self._counts = {name: Counter(counts.get(name, {})) for name in pipeline.topics}
        self._seconds, self._started = made.state.seconds, time.monotonic()
        self._writer = BagWriter(made.path, made.state.files)
        for topics in pipeline.topics.values():
            for topic, kind in topics.values():
                self._writer.add_topic(topic, kind)

    def __enter__(self) -> Self:
        self._commit('running')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._writer.abort()
            return
        self._writer.close()
        self._commit('complete')

    @property
    def taken(self) -> int:
        """Frames of the input so far."""
        return self._made.state.taken + len(self._rows)

    def add(self, result: Result) -> None:
        """Write what became of a frame."""
        count_row(self._counts, result.row)
        for topic, data in result.messages:
            self._writer.write(topic, result.frame.time, data)
        self._rows.append(result.row)
        if len(self._rows) == FRAMES_A_FILE:
            self._writer.end_file()
            self._commit('running')

    def _commit(self, status: str) -> None:
        state = self._made.state
        state.taken = self.taken
        state.files = list(self._writer.files)
        state.counts = {name: dict(count) for name, count in self._counts.items()}
        state.seconds = round(self._seconds + time.monotonic() - self._started, 3)
        losses = [str(loss) for loss in self._frames.losses]
        rows, self._rows = self._rows, []
        self._made.commit(rows, {**self._about, 'losses': losses}, status)


def _hidden(progress: bool) -> bool | None:
    # None: tqdm shows itself on a terminal only.
    return None if progress else True


def _settings(
    frames: Frames,
    parameters: Parameters,
    selection: Selection,
    runner: Runner,
    wanted: Sequence[str],
) -> dict[str, Any]:
    """Return all that the outputs depend on."""
    files = [frames.path] if frames.path.is_file() else sorted(frames.path.iterdir())
    return {
        'input': str(frames.path.absolute()),
        'input_bytes': sum(file.stat().st_size for file in files),
        'cameras': [vars(camera) for camera in frames.cameras],
        'selection': vars(selection),
        'parameters': {**parameters.values, 'model': str(parameters.model)},
        'cameras_parameters': parameters.cameras,
        'model_sha256': sha256_of(parameters.model),
        'backend': runner.name,
        'outputs': list(wanted),
    }


def _card(contract: ModelContract, model: Path) -> dict[str, Any]:
    return {
        'name': contract.name,
        'file': str(model),
        'sha256': sha256_of(model),
        'architecture': contract.architecture,
        'input': [contract.width, contract.height],
        'precision': contract.precision,
        'trained on': contract.trained_on,
        'licence of the weights': contract.weights_license,
        'licence of the data': contract.data_license,
        'accuracy': [f'{a.miou:.4f} on {a.dataset}' for a in contract.accuracy],
        'date': contract.date,
    }


def _labels(labels: LabelSet) -> dict[str, Any]:
    return {
        'name': labels.name,
        'classes': [[label.name, label.id, list(label.color)] for label in labels.labels],
    }


def _why(frames: Frames) -> str:
    return ': ' + '; '.join(map(str, frames.losses[:3])) if frames.losses else ''
