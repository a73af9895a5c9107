"""`model list` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seg_perception.models.catalogue.catalogue import find
from seg_perception.models.cli import main

NAME = 'pspnet_r50_d8_769x769_80k'


def test_the_table_tells_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / 'models' / find(NAME).file_name
    file.parent.mkdir()
    file.touch()
    assert main(['list', '--cache', str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    head, *rows = lines[: lines.index('')]
    assert head.split() == [
        'name',
        'mIoU',
        'flip',
        'measured',
        'on',
        'GMACs',
        'MB',
        'source',
        'licence',
        'here',
    ]
    assert len(rows) == 23
    assert [row.split()[0] for row in rows if row.endswith('yes')] == ['pspnet_lite0_street', NAME]
    row = next(row for row in rows if row.startswith(NAME))
    assert row.split()[1:8] == ['79.59', '80.69', 'Cityscapes', 'val,', 'sliding', '356.6', '196']
    column = head.index('source')
    assert {row[column - 2 : column] for row in rows} == {'  '}
    below = '\n'.join(lines)
    assert 'Cityscapes, non-commercial use only' in below
    assert lines[-1] == f'fetched models lie in {tmp_path / "models"}'


def test_json_tells_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['list', '--json', '--cache', str(tmp_path)]) == 0
    rows = {row['name']: row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == 23
    row = rows[NAME]
    assert row['sha256_prefix'] == '5ccf03dd'
    assert row['url'].startswith('https://download.openmmlab.com/mmsegmentation/v0.5/pspnet/')
    assert row['source']['license'] == 'Apache-2.0'
    assert row['file'] is None
    assert rows['pspnet_lite0_street']['file'].endswith('pspnet_lite0_street.onnx')
