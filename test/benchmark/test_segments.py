from __future__ import annotations

import fcntl
from pathlib import Path

from seg_perception.benchmark.segments import remove_abandoned, segments


def segment(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(b'memory')
    path.with_name(f'{name}_el').touch()
    return path


def test_what_nobody_holds_is_removed_and_nothing_else(tmp_path: Path) -> None:
    older = segment(tmp_path, 'fastrtps_0123456789abcdef')
    before = segments(tmp_path)
    assert before == {older}
    dead = segment(tmp_path, 'fastdds_00000000000000aa')
    alive = segment(tmp_path, 'fastrtps_00000000000000bb')
    foreign = segment(tmp_path, 'fastrtps_port7411')
    with (tmp_path / f'{alive.name}_el').open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_abandoned(before, tmp_path) == 1
    assert not dead.exists()
    assert not dead.with_name(f'{dead.name}_el').exists()
    assert older.exists()
    assert alive.exists()
    assert foreign.exists()
