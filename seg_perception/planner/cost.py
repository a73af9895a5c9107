"""What all planner outputs of a frame cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from seg_perception.core.ground.view import GroundOptions, GroundOutputs, GroundView
from seg_perception.core.labels import load_label_set
from seg_perception.planner.street import scene_camera, sequence


def planner_cost(
    size: tuple[int, int] = (640, 360),
    *,
    frames: int = 60,
    seed: int = 3,
    vote_frames: int = 1,
    also: Callable[[GroundView, GroundOutputs], object] = lambda _view, _outputs: None,
) -> dict[str, float]:
    """Measure free space, obstacles, grid and health of one camera together, on one core.

    :param size: (width, height) of the label grid.
    :param frames: of a made-up street, at 10 Hz; the first ten do not count.
    :param also: what is done with each frame's outputs, and measured with them.
    :return: milliseconds: `median` and `p95` of a frame, `cpu`, the median of the CPU time of
        its thread, and `tables`, once for a camera.
    """
    labels = load_label_set()
    street = list(sequence(seed, frames + 10, 10.0, size))
    confidence = np.full(size[::-1], 230, np.uint8)
    times, worked = [], []
    with _one_core():
        begun = time.perf_counter()
        options = GroundOptions(vote_frames=vote_frames)
        view = GroundView(scene_camera(street[0].scene), size, labels, options)
        tables = time.perf_counter() - begun
        for shot in street:
            begun, working = time.perf_counter(), time.thread_time()
            out = view.update(shot.frame.label, confidence, shot.t, shot.frame.bgr)
            _ = out.obstacles, out.cells  # found when they are asked for, the cells by free space
            also(view, out)
            worked.append(time.thread_time() - working)
            times.append(time.perf_counter() - begun)
    milliseconds = np.array(times[10:]) * 1e3
    return {
        'median': float(np.median(milliseconds)),
        'p95': float(np.percentile(milliseconds, 95)),
        'cpu': float(np.median(worked[10:])) * 1e3,
        'tables': tables * 1e3,
    }


@contextmanager
def _one_core() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
