from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from seg_perception.core import Segmenter
from seg_perception.core.labels import load_label_set
from seg_perception.inference.choice import create_runner
from seg_perception.replay import run as run_module
from seg_perception.replay.bag_reader import BagReader
from seg_perception.replay.messages import FRAME_REPORT, deserialize
from seg_perception.replay.outputs import OUTPUTS
from seg_perception.replay.run import Selection, run
from seg_perception.replay.run_folder import Run, RunError
from seg_perception.replay.storage import BagError
from test.replay.bags import START, STEP, pictures
from test.replay.drives import CELL, SIZE, drive_labels, pictures_of, tiny_parameters, write_drive

PREFIX = '/segmentation/'


def messages_of(path: Path, topic: str) -> list[Any]:
    return [deserialize(record) for record in BagReader(path).records({topic})]


def image_of(message: Any) -> np.ndarray:
    shape = (message.height, message.width, *([3] if message.encoding == 'bgr8' else []))
    return np.asarray(message.data).reshape(shape)


def centres(labels: list[np.ndarray]) -> np.ndarray:
    """Return the middle of each square: its edges are blended with its neighbours'."""
    return np.stack(labels)[:, CELL // 2 :: CELL, CELL // 2 :: CELL]


def payload(path: Path) -> list[tuple[str, int, bytes]]:
    """Return all messages; of the reports what does not depend on the clock."""
    found = []
    for record in BagReader(path).records():
        data = bytes(record.data)
        if record.topic.type == FRAME_REPORT:
            report = deserialize(record)
            kept = (report.header.stamp.sec, report.frames_in, report.dropped_bad, report.usable)
            data = repr((kept, report.class_share.tolist())).encode()
        found.append((record.topic.name, record.time, data))
    return found


@pytest.fixture(scope='module')
def drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    labels = drive_labels(7)
    folder = tmp_path_factory.mktemp('drive')
    return write_drive(folder / 'drive', pictures_of(labels)), labels


def test_labels_and_masks_are_those_of_the_segmenter(
    drive: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    path, labels = drive
    parameters = tiny_parameters(tmp_path)
    made = run(path, tmp_path / 'run', parameters, wanted=OUTPUTS, progress=False)
    found = {
        name: [image_of(m) for m in messages_of(made.path, PREFIX + name)]
        for name in ('label', 'confidence', 'drivable', 'obstacle', 'color', 'overlay')
    }
    np.testing.assert_array_equal(centres(found['label']), centres(labels))
    with create_runner('onnxruntime', parameters.model) as runner:
        segmenter = Segmenter(runner)
        for number, image in enumerate(pictures_of(labels)):
            expected = segmenter.segment(image)
            for name, images in found.items():
                np.testing.assert_array_equal(images[number], getattr(expected, name))
    overlay = messages_of(made.path, PREFIX + 'overlay/compressed')[0]
    assert overlay.format == 'bgr8; jpeg compressed bgr8'
    decoded = cv2.imdecode(overlay.data, cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (64, 128, 3)


def test_outputs_have_the_times_stamps_and_frames_of_the_input(
    drive: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    made = run(drive[0], tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    reader = BagReader(made.path)
    names = ('label', 'confidence', 'drivable', 'obstacle', 'camera_info', 'report')
    assert reader.counts == {PREFIX + name: 7 for name in names}
    for number, record in enumerate(reader.records({PREFIX + 'drivable'})):
        head = deserialize(record).header
        assert record.time == START + number * STEP
        assert head.stamp.sec * 10**9 + head.stamp.nanosec == START + number * (STEP - 1)
        assert head.frame_id == 'front'
    assert reader.losses == []


def test_reports_and_rows_tell_what_became_of_each_frame(tmp_path: Path) -> None:
    path = write_drive(tmp_path / 'drive', pictures_of(drive_labels(4)), info=False)
    made = run(path, tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    reports = messages_of(made.path, PREFIX + 'report')
    assert [(r.frames_in, r.frames_out, r.dropped_bad) for r in reports] == [
        (n, n, 0) for n in (1, 2, 3, 4)
    ]
    for report, row in zip(reports, made.rows(), strict=True):
        assert report.model == 'tiny_nearest_color'
        assert (report.backend, report.camera, report.batch) == ('onnxruntime', '', 1)
        assert report.class_share.sum() + report.unlabelled_share == pytest.approx(1)
        assert row['class_share'] == pytest.approx(report.class_share.tolist(), abs=1e-6)
        assert row['drivable'] == pytest.approx(row['class_share'][0], abs=1e-6)
        assert row['usable'] == report.usable
        assert row['ms'].keys() == {'decode', 'prepare', 'infer', 'finish', 'make'}
    assert made.about['state']['counts'] == {'front': {'frames_in': 4, 'frames_out': 4}}


def test_nothing_is_drivable_where_the_camera_sees_nothing(tmp_path: Path) -> None:
    images = pictures_of(drive_labels(4))
    images[2] = np.zeros_like(images[2])
    path = write_drive(tmp_path / 'drive', images)
    made = run(path, tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    rows = list(made.rows())
    assert [row['usable'] for row in rows] == [True, True, False, False]
    assert [row['drivable'] > 0 for row in rows] == [True, True, False, False]
    report = messages_of(made.path, PREFIX + 'report')[2]
    assert not report.usable
    assert report.reasons == rows[2]['reasons'] != []
    assert not image_of(messages_of(made.path, PREFIX + 'drivable')[3]).any()


def test_frames_that_cannot_be_used_are_counted_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / 'images'
    folder.mkdir()
    for number, image in enumerate(pictures_of(drive_labels(3))):
        cv2.imwrite(str(folder / f'{number}.png'), image)
    (folder / '1.png').write_bytes(b'no image')
    made = run(folder, tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    rows = list(made.rows())
    assert [row.get('dropped') for row in rows] == [
        None,
        '1.png cannot be read as an image',
        None,
    ]
    assert len(messages_of(made.path, PREFIX + 'label')) == 2
    assert messages_of(made.path, PREFIX + 'report')[1].dropped_bad == 1


def test_calibration_is_checked_and_scaled(tmp_path: Path) -> None:
    images = pictures_of(drive_labels(2))
    path = write_drive(tmp_path / 'drive', images)
    parameters = tiny_parameters(tmp_path, output_size='64x32')
    made = run(path, tmp_path / 'run', parameters, progress=False)
    info = messages_of(made.path, PREFIX + 'camera_info')[1]
    assert (info.width, info.height) == (64, 32)
    # The centre moves by a quarter of a pixel, as whole coordinates are pixel centres.
    np.testing.assert_allclose(info.k, [50, 0, 31.75, 0, 50, 15.75, 0, 0, 1])
    assert image_of(messages_of(made.path, PREFIX + 'label')[1]).shape == (32, 64)


def test_an_image_that_does_not_fit_its_calibration_is_dropped(tmp_path: Path) -> None:
    images = pictures_of(drive_labels(2))
    path = write_drive(tmp_path / 'drive', images, info_size=(64, 64))
    made = run(path, tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    assert [row['dropped'][:46] for row in made.rows()] == [
        'image of 128x64 does not fit its camera info, '
    ] * 2


def test_several_cameras_have_topics_of_their_own(tmp_path: Path) -> None:
    images = pictures_of(drive_labels(3))
    path = write_drive(tmp_path / 'drive', images, ('left', 'right'), compressed=True)
    made = run(
        path, tmp_path / 'run', tiny_parameters(tmp_path), Selection(('/*',)), progress=False
    )
    for camera in ('left', 'right'):
        labels = messages_of(made.path, f'{PREFIX}{camera}/label')
        found = [image_of(m) for m in labels]
        np.testing.assert_array_equal(centres(found), centres(drive_labels(3)))
        assert {m.camera for m in messages_of(made.path, f'{PREFIX}{camera}/report')} == {camera}


@pytest.mark.parametrize(
    ('selection', 'numbers'),
    [
        (Selection(every=3), [0, 3, 6]),
        (Selection(start=0.25), [3, 4, 5, 6]),
        (Selection(start=0.1, stop=0.5, every=2), [1, 3]),
    ],
)
def test_frames_are_chosen(
    selection: Selection,
    numbers: list[int],
    drive: tuple[Path, list[np.ndarray]],
    tmp_path: Path,
) -> None:
    parameters = tiny_parameters(tmp_path)
    made = run(drive[0], tmp_path / 'run', parameters, selection, progress=False)
    assert [(row['time'] - START) // STEP for row in made.rows()] == numbers


def test_a_run_that_was_killed_goes_on_to_the_same_outputs(tmp_path: Path) -> None:
    images = pictures_of(drive_labels(40))
    images[14] = np.zeros_like(images[14])  # the camera is distrusted for some frames
    path = write_drive(tmp_path / 'drive', images)
    parameters = tiny_parameters(tmp_path)
    code = (
        'import os, sys\n'
        'from pathlib import Path\n'
        'from seg_perception.replay import run as r\n'
        'from seg_perception.replay.parameters import read_parameters\n'
        'r.FRAMES_A_FILE = 8\n'
        'add, seen = r._Recording.add, []\n'
        'def dying(self, result):\n'
        '    add(self, result)\n'
        '    seen.append(result)\n'
        '    if len(seen) == 21: os._exit(9)\n'
        'r._Recording.add = dying\n'
        'path, folder, model = sys.argv[1:]\n'
        "given = {'model': model, 'backend': 'onnxruntime'}\n"
        'r.run(path, Path(folder), read_parameters(None, given), progress=False)\n'
    )
    killed = tmp_path / 'killed'
    command = [sys.executable, '-c', code, str(path), str(killed), str(parameters.model)]
    root = Path(__file__).parents[2]
    env = {**os.environ, 'PYTHONPATH': f'{root}:{os.environ.get("PYTHONPATH", "")}'}
    assert subprocess.run(command, cwd=root, env=env, check=False).returncode == 9
    assert Run.load(killed).about['status'] == 'running'
    assert Run.load(killed).about['state']['taken'] == 16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, 'FRAMES_A_FILE', 8)
        again = run(path, killed, parameters, progress=False)
        whole = run(path, tmp_path / 'whole', parameters, progress=False)
    assert payload(again.path) == payload(whole.path)
    assert len(payload(whole.path)) == 40 * 6
    assert [file['name'] for file in again.about['state']['files']] == [
        f'killed_{n}.mcap' for n in range(5)
    ]
    assert again.about['state']['counts'] == whole.about['state']['counts']
    assert [r['stamp'] for r in again.rows()] == [r['stamp'] for r in whole.rows()]


def test_a_run_goes_on_only_with_the_same_settings(
    drive: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    parameters = tiny_parameters(tmp_path)
    made = run(drive[0], tmp_path / 'run', parameters, progress=False)
    with pytest.raises(RunError, match='holds a complete run'):
        run(drive[0], made.path, parameters, progress=False)
    about = (made.path / 'run.json').read_text().replace('"complete"', '"running"')
    (made.path / 'run.json').write_text(about)
    with pytest.raises(RunError, match=r"holds a run with selection .*'every': 1"):
        run(drive[0], made.path, parameters, Selection(every=2), progress=False)
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'notes.txt').write_text('precious')
    with pytest.raises(RunError, match='expected a new folder'):
        run(drive[0], tmp_path / 'other', parameters, progress=False)


def test_a_damaged_input_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_drive(tmp_path / 'drive', pictures(60, SIZE))
    (file,) = path.glob('*.mcap')
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 3 // 4])
    made = run(path, tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    rows = list(made.rows())
    assert 30 <= len(rows) < 60
    assert [row['time'] for row in rows] == [START + n * STEP for n in range(len(rows))]
    assert any(
        f'/front/image_raw: 60 messages were recorded, {len(rows)} could' in loss
        for loss in made.about['losses']
    )


def test_nothing_to_segment_is_an_error(tmp_path: Path) -> None:
    path = write_drive(tmp_path / 'drive', [])
    with pytest.raises(BagError, match='expected frames, got none'):
        run(path, tmp_path / 'run', tiny_parameters(tmp_path), progress=False)


def test_the_run_tells_all_that_it_depends_on(
    drive: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    made = run(drive[0], tmp_path / 'run', tiny_parameters(tmp_path), progress=False)
    about = made.about
    assert about['model']['name'] == 'tiny_nearest_color'
    assert about['labels']['name'] == 'cityscapes'
    assert [name for name, *_ in about['labels']['classes']] == list(load_label_set().names)
    assert about['settings']['parameters']['drivable_min_confidence'] == 0.5
    assert about['environment']['numpy'] == np.__version__
    assert about['topics']['front']['label'] == '/segmentation/label'
    with pytest.raises(RunError, match='expected the folder of a run'):
        Run.load(tmp_path)
