from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.replay.cli import main
from seg_perception.replay.compare import compare
from seg_perception.replay.compare_page import render_page
from seg_perception.replay.gates import Gates, junit
from seg_perception.replay.metres import FreeSpaceGap
from seg_perception.replay.run import Selection, run
from seg_perception.replay.run_folder import Run, RunError
from test.pages import Page
from test.replay.drives import (
    CELL,
    SIZE,
    camera_info,
    drive_labels,
    pictures_of,
    tiny_parameters,
    write_drive,
)

COUNT = 6


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two drives, the second with cars on the first road of frame 3."""
    folder = tmp_path_factory.mktemp('compare')
    labels = drive_labels(COUNT)
    write_drive(folder / 'drive', pictures_of(labels))
    labels[3] = labels[3].copy()
    rows, columns = np.nonzero(labels[3] == 0)
    top, left = rows[0] // CELL * CELL, columns[0] // CELL * CELL
    labels[3][top : top + CELL, left : left + CELL] = 13
    write_drive(folder / 'changed', pictures_of(labels))
    return folder


@pytest.fixture(scope='module')
def runs(folder: Path) -> tuple[Run, Run, Run]:
    """Return runs of the two drives, and one of the first that sees each second frame only."""
    parameters = tiny_parameters(folder)
    first = run(folder / 'drive', folder / 'first', parameters, progress=False)
    second = run(folder / 'changed', folder / 'second', parameters, progress=False)
    chosen = Selection(every=2)
    half = run(folder / 'drive', folder / 'half', parameters, chosen, progress=False)
    return first, second, half


def test_a_run_is_equal_to_itself(runs: tuple[Run, Run, Run]) -> None:
    found = compare(runs[0], runs[0], progress=False)
    assert (found.agreement, found.mean_iou, found.worst_agreement) == (1, 1, 1)
    assert len(found.frames) == COUNT
    assert found.only('drivable') == found.only('obstacle') == (0, 0)
    assert found.worst(6) == []
    assert all(v.kept for v in Gates(1, 1, 1, 0).verdicts(found))


def test_what_differs_is_found_and_counted(runs: tuple[Run, Run, Run]) -> None:
    found = compare(*runs[:2], progress=False)
    (worst,) = found.worst(6)
    assert worst is found.frames[3]
    lost = worst.only['drivable'][0]
    # The square and what it bleeds into its neighbours.
    assert CELL**2 // 2 < lost <= (CELL + 8) ** 2
    assert found.only('drivable')[0] == lost
    assert found.only('obstacle')[1] >= CELL**2 // 2
    pixels = SIZE[0] * SIZE[1]
    assert found.agreement == pytest.approx(1 - (1 - worst.agreement) / COUNT)
    assert (1 - worst.agreement) * pixels >= lost
    road = found.class_iou['road']
    assert road is not None
    assert 0.9 < road < 1
    assert found.class_iou['train'] is None
    assert found.counts[0, 13] >= CELL**2 // 2


def test_frames_of_one_run_only_are_told(runs: tuple[Run, Run, Run]) -> None:
    found = compare(runs[0], runs[2], progress=False)
    assert (len(found.frames), len(found.first_only), found.second_only) == (3, 3, [])
    assert found.agreement == 1
    first, *_ = Gates().verdicts(found)
    assert (first.name, first.kept) == ('same frames', False)
    assert first.said == '3 frames in both runs, 3 only in the first, 0 only in the second'


def test_thresholds_become_verdicts_and_tests(runs: tuple[Run, Run, Run]) -> None:
    found = compare(*runs[:2], progress=False)
    verdicts = Gates(0.9, 1, 0.5, 200).verdicts(found)
    assert [(v.name, v.kept) for v in verdicts] == [
        ('same frames', True),
        ('agreement', True),
        ('mean IoU', False),
        ('agreement of the worst frame', True),
        ('drivable in the second run only', True),
    ]
    suite = ElementTree.fromstring(junit(verdicts, 'a < b'))
    assert suite.attrib == {'name': 'a < b', 'tests': '5', 'failures': '1', 'errors': '0'}
    failures = [case.get('name') for case in suite if case.find('failure') is not None]
    assert failures == ['mean IoU']


def test_metres_are_measured_where_there_is_calibration() -> None:
    size = (96, 64)
    gap = FreeSpaceGap(load_label_set(), height=1.5, pitch=5.0)
    info = camera_info(0, size, focal=80.0)
    road = np.zeros((size[1], size[0]), np.uint8)
    road[:30] = 10
    blocked = road.copy()
    blocked[40:, :] = 13  # a car right before the camera
    sure = np.full_like(road, 255)
    same = gap.measure(info, (road, sure), (road, sure))
    assert same is not None
    assert (same.mean, same.farther) == (0, 0)
    nearer = gap.measure(info, (road, sure), (blocked, sure))
    farther = gap.measure(info, (blocked, sure), (road, sure))
    assert nearer is not None
    assert farther is not None
    assert nearer.farther == 0
    assert farther.mean == nearer.mean > 1
    assert farther.farther >= farther.mean
    uncalibrated = camera_info(0, size, focal=0.0)
    assert gap.measure(uncalibrated, (road, sure), (road, sure)) is None
    assert gap.measure(None, (road, sure), (road, sure)) is None


def test_the_page_shows_the_frames_that_differ(runs: tuple[Run, Run, Run]) -> None:
    found = compare(*runs[:2], FreeSpaceGap(load_label_set(), 1.5), progress=False)
    assert [frame for frame in found.frames if frame.metres is None] == []
    text = render_page(*runs[:2], found, Gates(1).verdicts(found))
    page = Page(text)
    assert len([link for link in page.links if link.startswith('data:image/jpeg')]) == 4
    assert all(link.startswith('data:') for link in page.links)
    assert 'script' not in page.tags
    assert 'first and second compared' in page.texts
    assert 'not kept' in page.texts
    assert {'road', 'free space differs', 'drivable pixels gone'} <= set(page.texts)


def test_the_command_writes_files_and_ends_with_the_verdict(
    runs: tuple[Run, Run, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (str(run.path) for run in runs[:2])
    assert main(['compare', first, first, '--fail-under', '1', '--fail-over-drivable', '0']) == 0
    out = tmp_path / 'out'
    command = ['compare', first, second, '--fail-under', '0.99999', '--mount-height', '1.5']
    assert main([*command, '--output', str(out)]) == 3
    assert 'NOT KEPT         agreement: 0.9' in capsys.readouterr().out
    content = json.loads((out / 'compare.json').read_text())
    assert content['frames_compared'] == COUNT
    assert (
        content['frames'][3]['drivable_pixels'][0]
        == content['mask_pixels']['drivable']['first_only']
    )
    assert sorted(path.name for path in out.iterdir()) == [
        'compare.json',
        'index.html',
        'junit.xml',
    ]


def test_runs_that_cannot_be_compared_are_refused(
    runs: tuple[Run, Run, Run], folder: Path, tmp_path: Path
) -> None:
    other = tiny_parameters(folder, output_size='64x32')
    small = run(folder / 'drive', tmp_path / 'small', other, progress=False)
    with pytest.raises(RunError, match=r'labels of one size, got \(128, 64\) and \(64, 32\)'):
        compare(runs[0], small, progress=False)
    masks = run(
        folder / 'drive',
        tmp_path / 'masks',
        tiny_parameters(folder),
        wanted=['drivable'],
        progress=False,
    )
    with pytest.raises(RunError, match='expected runs with labels'):
        compare(runs[0], masks, progress=False)
    about = {**runs[1].about, 'status': 'running'}
    with pytest.raises(RunError, match='expected a complete run'):
        compare(runs[0], Run(runs[1].path, about), progress=False)
    about = json.loads(json.dumps(runs[1].about))
    about['labels']['classes'].pop()
    with pytest.raises(RunError, match='expected labels of cityscapes'):
        compare(runs[0], Run(runs[1].path, about), progress=False)
