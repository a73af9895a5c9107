"""The offline score: what it finds in recordings, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.models.evaluation.score import score
from seg_perception.replay.bag_writer import BagWriter
from seg_perception.replay.messages import IMAGE, message_type, serialize
from seg_perception.scoring.command import main

SECOND = 1_000_000_000
RNG = np.random.default_rng(7)
PAIRS = [tuple(RNG.integers(0, 5, (2, 6, 8), np.uint8)) for _ in range(4)]


def message(stamp: int, pixels: npt.NDArray[np.uint8], encoding: str = 'mono8') -> bytes:
    time = message_type('builtin_interfaces/msg/Time')(stamp // SECOND, stamp % SECOND)
    header = message_type('std_msgs/msg/Header')(time, 'camera')
    height, width = pixels.shape[:2]
    step = pixels[0].size
    image = message_type(IMAGE)(header, height, width, encoding, 0, step, pixels.reshape(-1))
    return bytes(serialize(image))


def write_bag(folder: Path, **topics: list[npt.NDArray[np.uint8]]) -> Path:
    """Write images, one a second from second 1 on, on topics `/a/b` for keywords `a__b`."""
    with BagWriter(folder) as writer:
        named = {f'/{name.replace("__", "/")}': images for name, images in topics.items()}
        for name in named:
            writer.add_topic(name, IMAGE)
        for number in range(max(map(len, topics.values()))):
            for late, (name, images) in enumerate(named.items()):
                if number < len(images):
                    stamp = (number + 1) * SECOND
                    encoding = 'mono8' if images[number].ndim == 2 else 'bgra8'
                    writer.write(name, stamp + late, message(stamp, images[number], encoding))
    return folder


PREDICTIONS = [prediction for prediction, _ in PAIRS]
TRUTHS = [truth for _, truth in PAIRS]


def test_a_recording_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(
        tmp_path / 'bag', seg__label=PREDICTIONS[:3], camera__truth__label=TRUTHS, image=TRUTHS
    )
    out, page = tmp_path / 'score.json', tmp_path / 'score.html'
    options = ['--json', str(out), '--html', str(page), '--model', 'net', '--wait', '2']
    assert main([str(bag), *options]) == 0
    expected = score(PAIRS[:3], load_label_set())
    found = json.loads(out.read_text())
    assert found['miou'] == pytest.approx(expected.miou, abs=1e-12)
    assert found['confusion']['pixels'] == expected.confusion.tolist()
    assert found['matching']['prediction'] == '/seg/label'
    assert found['matching']['truth'] == '/camera/truth/label'
    assert found['matching']['counts']['truth_alone'] == 1
    assert (found['model'], found['frames']) == ('net', 3)
    assert 'net' in page.read_text()
    printed = capsys.readouterr().out
    assert f'mIoU             {expected.miou:.4f}' in printed
    recall = expected.groups['drivable'].recall
    assert f'drivable recall    {recall:.4f}' in printed


def test_truth_may_be_in_another_recording_and_of_a_simulator(tmp_path: Path) -> None:
    raw = []
    for truth in TRUTHS:
        bgra = np.zeros((*truth.shape, 4), np.uint8)
        bgra[..., 2] = truth + 1
        raw.append(bgra)
    labels = write_bag(tmp_path / 'labels', seg__label=PREDICTIONS)
    drive = write_bag(tmp_path / 'drive', carla__seg__image=raw)
    out = tmp_path / 'score.json'
    options = ['--truth', '/carla/seg/image', '--truth-table', 'carla', '--json', str(out)]
    # Images that wait longest for their truth wait for one image, however long the recordings are.
    assert main([str(labels), str(drive), *options, '--wait', '1']) == 0
    expected = score(PAIRS, load_label_set())
    assert json.loads(out.read_text())['miou'] == pytest.approx(expected.miou, abs=1e-12)


def test_a_gate_for_continuous_integration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_bag(tmp_path / 'bag', seg__label=TRUTHS, truth__label=TRUTHS)
    assert main([str(bag), '--fail-under', '1']) == 0
    bad = write_bag(tmp_path / 'bad', seg__label=PREDICTIONS, truth__label=TRUTHS)
    assert main([str(bad), '--fail-under', '0.9']) == 1
    assert 'is under 0.9' in capsys.readouterr().err


def test_unusable_images_are_told_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [np.zeros((6, 8, 4), np.uint8), *PREDICTIONS[1:]]
    bag = write_bag(tmp_path / 'bag', seg__label=broken, truth__label=TRUTHS)
    assert main([str(bag)]) == 0
    output = capsys.readouterr()
    assert 'score: /seg/label: predicted labels: expected mono8, got bgra8' in output.err
    assert 'matched 3, truth_alone 1, unusable 1' in output.out


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (['--prediction', '/nowhere'], '--prediction: expected /nowhere, got images on /image'),
        (['--truth', '/late'], 'expected images of the same stamp on /seg/label and /late'),
        (['--truth-table', 'unreal'], "no truth table of the name 'unreal'"),
        (['--wait', '0'], '--wait: expected 1 or more, got 0'),
        (['--json', '/nowhere/score.json'], 'No such file or directory'),
    ],
)
def test_what_cannot_be_scored_is_told(
    options: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_bag(
        tmp_path / 'bag', seg__label=PREDICTIONS[:2], truth__label=TRUTHS, image=[], late=[]
    )
    assert main([str(bag), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith('score: ')
    assert reason in error


def test_topics_that_cannot_be_guessed_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_bag(tmp_path / 'bag', a__label=TRUTHS, b__label=TRUTHS, truth__label=TRUTHS)
    assert main([str(bag)]) == 1
    assert 'expected one topic that looks like it, got images on /a/label, /b/' in (
        capsys.readouterr().err
    )
    assert main([str(bag), '--prediction', '/b/label']) == 0
    assert main([str(tmp_path / 'none')]) == 1
