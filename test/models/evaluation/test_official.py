"""The official scripts, frame by frame."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.labels import LabelSet, load_label_set
from seg_perception.models.evaluation.official import OfficialCount, knows


def test_only_the_scored_ids_of_cityscapes_are_known(labels: LabelSet) -> None:
    assert knows(label.id for label in labels.labels)
    assert knows([7, 26])
    assert not knows([7, 9])
    assert not knows(label.id for label in load_label_set('scannet20').labels)


def test_frames_add_up_and_take_the_room_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    truth = np.full((4, 6), 7, np.uint8)
    prediction = truth.copy()
    prediction[0] = 26
    with OfficialCount() as count:
        for _ in range(3):
            count.add(prediction, truth)
        assert len([path for path in tmp_path.rglob('*') if path.is_file()]) == 2
        assert count.confusion[7, 26] == 18
        assert count.confusion[7, 7] == 54
        assert count.confusion.sum() == 72
        assert count.iou(7) == pytest.approx(54 / 72)
        assert count.iou(26) == 0
        assert np.isnan(count.iou(24))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, 'No space left on device')

    frame = np.full((4, 6), 7, np.uint8)
    with OfficialCount() as count:
        monkeypatch.setattr(Path, 'write_bytes', full)
        with pytest.raises(OSError, match=r'No space left.*expected room for one frame; .*TMPDIR'):
            count.add(frame, frame)
