from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seg_perception.core.encodings import ImageError
from seg_perception.core.labels import load_label_set
from seg_perception.demo.page import render_page
from seg_perception.demo.pictures import masks_view
from seg_perception.demo.record import RunRecord
from seg_perception.demo.summary import Counts, Summary
from test.pages import Page

LABELS = load_label_set()
ROAD, CAR = LABELS.train_id('road'), LABELS.train_id('car')
SIZE = (64, 48)


def jpeg(level: int) -> bytes:
    picture = np.full((SIZE[1], SIZE[0], 3), level, np.uint8)
    return bytes(cv2.imencode('.jpg', picture)[1])


def plane(value: int, height: int = SIZE[1]) -> npt.NDArray[np.uint8]:
    return np.full((height, SIZE[0]), value, np.uint8)


def record(frames: int, period: float = 0.1) -> RunRecord:
    """Return the record of a run whose upper half is road, where the truth has a car in frame 0."""
    run = RunRecord(LABELS)
    for number in range(frames):
        stamp = 10**18 + round(number * period * 1e9)
        label = np.concatenate([plane(ROAD, 24), plane(CAR, 24)])
        truth = np.concatenate([plane(ROAD if number else CAR, 24), plane(CAR, 24)])
        run.view(stamp, 'camera', jpeg(100))
        run.truth(stamp, truth)
        run.result(number * period, 20.0 + number)
        run.label(stamp, label)
        run.view(stamp, 'drivable', plane(255))
        run.view(stamp, 'obstacle', plane(0))
        run.view(stamp, 'overlay', jpeg(number * 12))
    run.counts = Counts(frames_in=frames, frames_out=frames)
    run.model, run.backend, run.source = 'tiny', 'onnxruntime', 'scene <0>'
    run.published = frames
    return run


def test_frames_are_scored_against_the_truth_of_their_stamp() -> None:
    summary = record(4).summary()
    # The road: 3 half frames right, 1 predicted in vain. The car: 4 half frames right, 1 missed.
    assert summary.class_iou == pytest.approx({'road': 3 / 4, 'car': 4 / 5})
    assert summary.miou == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert summary.frames_scored == 4
    assert summary.size == SIZE


def test_truth_that_comes_late_counts_and_truth_of_other_frames_does_not() -> None:
    run = RunRecord(LABELS)
    run.label(1, plane(ROAD))
    run.truth(2, plane(CAR))
    assert run.summary().miou is None
    run.truth(1, plane(ROAD))
    assert run.summary().miou == 1.0


def test_labels_of_network_size_are_scored_against_the_truth_at_that_size() -> None:
    run = RunRecord(LABELS)
    truth = np.concatenate([plane(ROAD, 24), plane(CAR, 24)])
    run.truth(1, truth)
    run.label(1, np.ascontiguousarray(truth[::2, ::2]))
    assert run.summary().miou == 1.0


def test_parts_that_never_become_whole_are_let_go() -> None:
    run = RunRecord(LABELS)
    for stamp in range(1000):
        run.truth(stamp, plane(ROAD))
    assert len(run._pending) == 32


def test_a_run_leaves_a_page_with_its_pictures(tmp_path: Path) -> None:
    (tmp_path / 'overlay_77.jpg').write_bytes(b'of an earlier run')
    summary = record(20).write(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    numbers = range(1, 9)
    assert names == {'summary.json', 'index.html', 'overview.webp'} | {
        f'{view}_{number:02d}.jpg' for view in ('camera', 'overlay', 'masks') for number in numbers
    }
    stamps = [moment.stamp for moment in summary.moments]
    assert stamps == sorted(stamps)
    assert stamps[0] < 0.3
    assert stamps[-1] > 1.5
    page = (tmp_path / 'index.html').read_text()
    assert set(Page(page).links) == names - {'summary.json', 'index.html'}
    with Image.open(tmp_path / 'overview.webp') as overview:
        assert overview.size == SIZE
        assert getattr(overview, 'n_frames', 1) == 10  # every second of 20 frames, 0.1 s apart
    for name in names:
        if name.endswith('.jpg'):
            picture = cv2.imread(str(tmp_path / name))
            assert picture is not None
            assert picture.shape == (48, 64, 3)


def test_a_run_without_results_leaves_a_page_without_pictures(tmp_path: Path) -> None:
    RunRecord(LABELS).write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {'summary.json', 'index.html'}
    assert Page((tmp_path / 'index.html').read_text()).links == []


def test_an_overlay_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ImageError, match='expected a JPEG or a PNG'):
        RunRecord(LABELS).view(1, 'overlay', b'nothing')


def test_the_page_is_well_formed_escaped_and_loads_nothing(tmp_path: Path) -> None:
    run = record(3)
    run.command = 'demo --source "a & b"'
    page = render_page(run.write(tmp_path), LABELS)
    assert 'scene &lt;0&gt;' in page
    assert 'demo --source &quot;a &amp; b&quot;' in page
    assert '://' not in page
    assert Page(page).tags
    for name in LABELS.names:
        assert f'<span>{name}</span>' in page
    assert '<b>0.708</b><span>mean IoU</span>' in page


def test_the_page_of_a_source_without_truth_says_so() -> None:
    summary = Summary(Counts(2, 2), (0.0, 0.1), (30.0, 40.0), 'tiny', 'onnxruntime')
    page = render_page(summary, LABELS)
    assert Page(page).tags
    assert 'no truth to compare with' in page
    assert 'mean IoU' not in page


def test_masks_view_colours_what_is_drivable_and_what_is_not() -> None:
    camera = np.full((4, 4, 3), 100, np.uint8)
    drivable, obstacle = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)
    drivable[0, 0] = obstacle[1, 1] = 255
    view = masks_view(camera, drivable, obstacle)
    assert view[0, 0].tolist() == [77, 113, 57]  # green
    assert view[3, 3].tolist() == [57, 65, 127]  # red
    assert view[0, 3].tolist() == [55, 55, 55]
