from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from seg_perception.core.labels import LabelSet, load_label_set
from seg_perception.models.dataset import DatasetError
from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.cli import main
from seg_perception.replay.dataset import open_dataset
from seg_perception.replay.dataset_bag import write_dataset_bag
from seg_perception.replay.messages import deserialize
from test.replay.bags import Image, pictures

COUNT = 3


def truths(classes: int) -> list[Image]:
    noise = np.random.default_rng(5)
    return [noise.integers(0, classes, (48, 64), np.uint8) for _ in range(COUNT)]


def write(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def cityscapes(root: Path) -> tuple[Path, list[Image], LabelSet]:
    labels, true = load_label_set(), truths(19)
    ids = labels.train_id_to_id()
    for n, (image, truth) in enumerate(zip(pictures(COUNT), true, strict=True)):
        write(root / f'leftImg8bit/val/city/city_{n}_leftImg8bit.png', image)
        write(root / f'gtFine/val/city/city_{n}_gtFine_labelIds.png', ids[truth])
        camera = root / f'camera/val/city/city_{n}_camera.json'
        camera.parent.mkdir(parents=True, exist_ok=True)
        values = {'fx': 60.0, 'fy': 61.0, 'u0': 31.5, 'v0': 23.5}
        camera.write_text(json.dumps({'intrinsic': values}))
    return root, true, labels


def kitti(root: Path) -> tuple[Path, list[Image], LabelSet]:
    labels, true = load_label_set(), truths(19)
    ids = labels.train_id_to_id()
    for n, (image, truth) in enumerate(zip(pictures(COUNT), true, strict=True)):
        write(root / f'training/image_2/{n:06d}_10.png', image)
        write(root / f'training/semantic/{n:06d}_10.png', ids[truth])
        calibration = root / f'training/calib/{n:06d}_10.txt'
        calibration.parent.mkdir(parents=True, exist_ok=True)
        calibration.write_text('P0: 1 0 0 0\nP2: 60 0 31.5 0 0 61 23.5 0 0 0 1 0\n')
    return root, true, labels


def tutorial(root: Path) -> tuple[Path, list[Image], LabelSet]:
    true = truths(12)
    for n, (image, truth) in enumerate(zip(pictures(COUNT), true, strict=True)):
        write(root / f'val/{n:03d}.png', image)
        write(root / f'valannot/{n:03d}.png', truth)
    # The twelfth class there is none.
    return (
        root,
        [np.where(t == 11, 255, t).astype(np.uint8) for t in true],
        load_label_set('camvid'),
    )


@pytest.mark.parametrize('layout', [cityscapes, kitti, tutorial])
def test_a_data_set_becomes_a_recording(layout: Any, tmp_path: Path) -> None:
    root, true, labels = layout(tmp_path / 'data')
    dataset = open_dataset(root, 'val')
    assert dataset.labels == labels
    assert write_dataset_bag(dataset, tmp_path / 'bag', camera='front', rate=5) == COUNT
    reader = BagReader(tmp_path / 'bag')
    found: dict[str, list[Any]] = {}
    for record in reader.records():
        found.setdefault(record.topic.name, []).append((record.time, deserialize(record)))
    stamps = [10**9, 12 * 10**8, 14 * 10**8]
    assert {name: [time for time, _ in some] for name, some in found.items()} == {
        '/front/camera_info': stamps,
        '/front/image_raw/compressed': stamps,
        '/front/truth/label': stamps,
    }
    for (_, message), image in zip(
        found['/front/image_raw/compressed'], pictures(COUNT), strict=True
    ):
        np.testing.assert_array_equal(cv2.imdecode(message.data, cv2.IMREAD_COLOR), image)
        assert message.header.frame_id == 'front'
    for (_, message), truth in zip(found['/front/truth/label'], true, strict=True):
        assert message.encoding == 'mono8'
        np.testing.assert_array_equal(message.data.reshape(48, 64), truth)
    info = found['/front/camera_info'][0][1]
    assert (info.width, info.height) == (64, 48)
    known = [60, 0, 31.5, 0, 61, 23.5, 0, 0, 1]
    assert info.k.tolist() == (known if layout is not tutorial else [0] * 9)


def test_the_command_limits_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, *_ = cityscapes(tmp_path / 'data')
    command = ['from-dataset', str(root), '--output', str(tmp_path / 'bag')]
    assert main([*command, '--limit', '2']) == 0
    assert '2 frames and their truth (cityscapes) written to' in capsys.readouterr().out
    assert main(command) == 1
    assert 'is there already' in capsys.readouterr().err


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'expected leftImg8bit/val \(Cityscapes\)'):
        open_dataset(tmp_path, 'val')
    root, *_ = tutorial(tmp_path / 'data')
    (root / 'valannot/001.png').unlink()
    with pytest.raises(DatasetError, match=r'001\.png has no labels'):
        open_dataset(root, 'val')
    root, *_ = kitti(tmp_path / 'kitti')
    (root / 'training/calib/000000_10.txt').write_text('P2: 1 2\n')
    with pytest.raises(DatasetError, match='expected a line P2: with 12 numbers'):
        open_dataset(root, 'val')
    root, *_ = cityscapes(tmp_path / 'city')
    with pytest.raises(DatasetError, match='expected a rate above 0'):
        write_dataset_bag(open_dataset(root, 'val'), tmp_path / 'bag', rate=0)
