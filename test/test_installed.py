"""The package as colcon installed it, used from a folder that is not the source tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_prefix

from seg_perception.__main__ import TOOLS

PREFIX = Path(get_package_prefix('seg_perception'))


def test_messages_and_sources_are_one_package(tmp_path: Path) -> None:
    script = (
        'import seg_perception.core.labels as labels\n'
        'from seg_perception.msg import FrameReport\n'
        'print(labels.UNLABELLED, FrameReport(dropped_busy=3).dropped_busy)\n'
    )
    answer = subprocess.run(
        [sys.executable, '-c', script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, '255 3\n', '')


@pytest.mark.parametrize('tool', TOOLS)
def test_every_tool_is_an_executable(tool: str) -> None:
    assert (PREFIX / 'lib' / 'seg_perception' / tool).stat().st_mode & 0o111


@pytest.mark.parametrize('folder', ['config', 'launch', 'msg'])
def test_share_holds_what_the_source_tree_holds(folder: str) -> None:
    source = Path(__file__).parents[1] / folder
    share = PREFIX / 'share' / 'seg_perception' / folder
    wanted = {
        path.relative_to(source)
        for path in source.rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }
    present = {path.relative_to(share) for path in share.rglob('*')}
    assert wanted <= present
