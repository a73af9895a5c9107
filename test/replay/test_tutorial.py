"""The commands of the tutorial in docs/replay.md do what it says, on a few made-up frames."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from seg_perception.__main__ import main
from seg_perception.core.labels import load_label_set
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.sim.dataset import write_dataset

pytest.importorskip('onnx')

ROOT = Path(__file__).parents[2]
FRAMES = 3
# What is a question of minutes on real frames, and a question of accuracy, is cut short.
SHORTER = {'quantize': ['--calibrate-frames', '1', '--max-drop', '100', '--min-agreement', '0']}


def commands() -> list[list[str]]:
    """Return the words of the tutorial's commands, after `python3 -m seg_perception`."""
    text = (ROOT / 'docs' / 'replay.md').read_text(encoding='utf-8')
    _, tutorial = text.split('\n## Tutorial')
    lines = re.findall(
        r'^python3 -m seg_perception (.*)$', tutorial.split('\n## ')[0], re.MULTILINE
    )
    return [shlex.split(line) for line in lines]


def test_every_command_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / 'data'
    for split in ('train', 'val'):
        write_dataset(data, frames=FRAMES, size=(160, 96), split=split)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'config').symlink_to(ROOT / 'config')
    told = []
    for command in commands():
        words = [word.replace('$SEG_PERCEPTION_CAMVID', str(data)) for word in command]
        assert main(words + SHORTER.get(words[1], [])) == 0, words
        told.append(capsys.readouterr().out)
    assert [words[1] for words in commands()] == [
        'from-dataset',
        'run',
        'run',
        'compare',
        'quantize',
        'run',
        'compare',
        'report',
    ]
    assert f'{FRAMES} frames' in told[0]
    assert 'same label       100.0000%' in told[3]
    agreement = json.loads((tmp_path / 'difference/compare.json').read_text())['agreement']
    assert 0.95 <= agreement < 1
    assert (tmp_path / 'after.html').read_text().startswith('<!doctype html>')
    labels = load_label_set()
    assert len(CityscapesFolder(data, 'val', labels)) == FRAMES
