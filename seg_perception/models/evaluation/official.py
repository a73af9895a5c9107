"""The official Cityscapes scripts, fed frame by frame.

They know the labelIds of Cityscapes and read files: two are written for each frame and overwritten
by the next, so that a data set of any size takes no more room than one frame.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from seg_perception.models.dataset import CLASS_IDS, Image

if TYPE_CHECKING:
    from typing_extensions import Self


def knows(ids: Iterable[int]) -> bool:
    """Return whether the official scripts can score classes of these labelIds."""
    return CLASS_IDS.issuperset(ids)


class OfficialCount:
    """The official confusion of frames; as a context manager it holds its files."""

    def __init__(self) -> None:
        self._scripts = _scripts()
        self._options = copy.copy(self._scripts.args)
        self._options.quiet, self._options.JSONOutput = True, False
        # The instance score needs instance files, and a function that NumPy 2.4 took away.
        self._options.evalInstLevelScore = False
        self.confusion: npt.NDArray[np.int64] = np.array(
            self._scripts.generateMatrix(self._options), np.int64
        )
        """[id, id]: pixels by true and predicted labelId."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def add(self, prediction: Image, truth: Image) -> None:
        """Count one frame of labelIds, uint8 [H, W] each.

        :raises OSError: when the frame's files cannot be written.
        """
        names = [Path(self._folder.name) / f'{kind}.png' for kind in ('prediction', 'truth')]
        for name, image in zip(names, (prediction, truth), strict=True):
            try:
                name.write_bytes(cv2.imencode('.png', image)[1].tobytes())
            except OSError as error:
                raise OSError(
                    f'cannot write {name} for the official scripts ({error.strerror}): expected '
                    'room for one frame; make some or set TMPDIR to another folder'
                ) from error
        result = self._scripts.evaluateImgLists(
            [str(names[0])], [str(names[1])], copy.copy(self._options)
        )
        self.confusion += np.array(result['confMatrix'], np.int64)

    def iou(self, label_id: int) -> float:
        """Return the official IoU of a class, NaN where neither image has it."""
        return float(self._scripts.getIouScoreForLabel(label_id, self.confusion, self._options))


def _scripts() -> ModuleType:
    # Imported late: it pulls in a plotting library, which `model info` can do without.
    return import_module('cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling')
