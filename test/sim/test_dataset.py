from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.sim.dataset import main
from seg_perception.sim.scene import Scene

SMALL = ['--width', '96', '--height', '54', '--frames', '6']


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.rglob('*') if path.name.endswith(suffix))


def test_layout_is_that_of_cityscapes(tmp_path: Path) -> None:
    assert main(['--out', str(tmp_path), '--seed', '2', '--split', 'val', *SMALL]) == 0
    images = files(tmp_path / 'leftImg8bit' / 'val', '_leftImg8bit.png')
    labels = files(tmp_path / 'gtFine' / 'val', '_gtFine_labelIds.png')
    assert len(images) == len(labels) == 6
    assert len({path.parent.name for path in images}) == 2
    ids = {label.id for label in load_label_set().labels}
    for image_path, label_path in zip(images, labels, strict=True):
        stem = image_path.name.removesuffix('_leftImg8bit.png')
        assert label_path.name == f'{stem}_gtFine_labelIds.png'
        assert label_path.parent.name == image_path.parent.name
        image = cv2.imread(str(image_path), cv2.IMREAD_UNCHANGED)
        label = cv2.imread(str(label_path), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert label is not None
        assert image.shape == (54, 96, 3)
        assert label.shape == (54, 96)
        assert set(np.unique(label).tolist()) <= ids


def test_frames_are_those_of_the_scene(tmp_path: Path) -> None:
    assert main(['--out', str(tmp_path), *SMALL]) == 0
    path = files(tmp_path / 'leftImg8bit', '.png')[0]
    time_ms = int(path.name.split('_')[1])
    frame = Scene(int(path.parent.name.removeprefix('scene')), 96, 54).frame(time_ms / 1000)
    np.testing.assert_array_equal(cv2.imread(str(path)), frame.bgr)
    label_path = files(tmp_path / 'gtFine', '.png')[0]
    ids = cv2.imread(str(label_path), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(load_label_set().id_to_train_id()[ids], frame.label)


def test_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for out, seed in (('a', '1'), ('b', '1'), ('c', '2')):
        assert main(['--out', str(tmp_path / out), '--seed', seed, *SMALL]) == 0
    a, b, c = (files(tmp_path / out, '.png') for out in 'abc')
    assert [path.read_bytes() for path in a] == [path.read_bytes() for path in b]
    assert not {path.name for path in a} & {path.name for path in c}


def test_a_split_with_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / 'gtFine' / 'train' / 'berlin' / 'x.png'
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b'x')
    assert main(['--out', str(tmp_path), *SMALL]) == 1
    error = capsys.readouterr().err
    assert f'{tmp_path / "gtFine" / "train"} is not empty; give another --out or --split' in error
    assert files(tmp_path, '.png') == [kept]


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('--width', '8', 'at least 16x16 pixels, got 8x54'),
        ('--frames', '0', 'at least 1 frame, got 0'),
        ('--seed', '-3', 'seed of 0 or more, got -3'),
        ('--split', '../x', "a plain name, got '../x'"),
    ],
)
def test_bad_options_end_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    assert main(['--out', str(tmp_path / 'out'), *SMALL, option, value]) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert message in error[-1]
    assert not (tmp_path / 'out').exists()
