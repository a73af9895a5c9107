from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from seg_perception.replay.cli import main
from seg_perception.replay.report_page import render_page
from seg_perception.replay.run import Selection, run
from seg_perception.replay.run_folder import Run
from test.pages import Page
from test.replay.drives import drive_labels, pictures_of, tiny_parameters, write_drive


@pytest.fixture(scope='module')
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run of two cameras, one frame of which shows nothing."""
    folder = tmp_path_factory.mktemp('report')
    images = pictures_of(drive_labels(8))
    images[5] = np.full_like(images[5], 77)
    path = write_drive(folder / 'drive', images, ('left', 'right'))
    parameters = tiny_parameters(folder)
    return run(path, folder / 'run', parameters, Selection(('/*',)), progress=False)


def test_the_page_needs_nothing_else(made: Run) -> None:
    page = Page(render_page(made, sheet=3, worst=2))
    assert all(link.startswith('data:image/jpeg;base64,') for link in page.links)
    # Three of each camera, and image and label of the least sure.
    assert len(page.links) == 2 * 3 + 2 * 2
    assert not {'script', 'link', 'iframe'} & page.tags
    assert {'Overview (left)', 'Over time (right)', 'Least sure frames'} <= set(page.texts)
    assert {'tiny_nearest_color', 'onnxruntime', 'drivable_min_confidence'} <= set(page.texts)
    assert '16' in page.texts
    assert 'Nothing: every frame of the input was read and segmented.' in page.texts


def test_the_least_sure_frame_is_shown(made: Run) -> None:
    least = min(made.rows(), key=lambda row: float(row['mean_confidence']))
    title = f'{least["camera"]} {least["stamp"] / 1e9:.3f} s'
    assert title in Page(render_page(made, sheet=0, worst=1)).texts


def test_time_lines_have_a_legend(made: Run) -> None:
    text = render_page(made, sheet=0, worst=0)
    # Of each camera: five stages, the rate and four shares; then the areas of the classes.
    assert text.count('<polyline') >= 2 * 10
    assert text.count('<polygon') >= 2 * 5
    texts = set(Page(text).texts)
    assert {'decode', 'infer', 'mean confidence', 'obstacle', 'road', 'others'} <= texts


def test_what_was_lost_is_listed(made: Run) -> None:
    damaged = Run(made.path, {**made.about, 'losses': ['bag.mcap: <cut> short']})
    page = Page(render_page(damaged, sheet=0, worst=0))
    assert 'bag.mcap: <cut> short' in page.texts


def test_a_run_is_shown_without_its_input(made: Run, tmp_path: Path) -> None:
    settings = {**made.about['settings'], 'input': str(tmp_path / 'gone')}
    moved = Run(made.path, {**made.about, 'settings': settings})
    page = Page(render_page(moved, sheet=2, worst=1))
    assert len(page.links) == 2 * 2 + 1
    assert any('The input is not there any more' in text for text in page.texts)


def test_the_command_writes_into_the_run(made: Run, tmp_path: Path) -> None:
    copy = tmp_path / 'copy'
    shutil.copytree(made.path, copy)
    assert main(['report', str(copy), '--sheet', '1', '--worst', '0']) == 0
    assert (copy / 'report.html').stat().st_size > 10_000
    assert main(['report', str(copy), '--sheet', '-1']) == 1
    assert main(['report', str(tmp_path)]) == 1
