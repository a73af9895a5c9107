"""What the commands that start processes measure, in short runs: no figure, but every count."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.benchmark import cli
from seg_perception.benchmark.added import take_turn
from seg_perception.benchmark.camera_ring import Settings, measure_cameras
from seg_perception.benchmark.commands.node import PLAIN_NODE
from seg_perception.benchmark.live import Load, node_process
from seg_perception.benchmark.null_model import write_null_model

# Slow and small: on a busy machine, too, no frame shall have to wait for the next.
CALM = Load(width=320, height=240, rate=5.0)


@pytest.fixture
def null_model(tmp_path: Path) -> Path:
    return write_null_model(tmp_path / 'null.onnx', width=64, height=48)


def test_the_plain_node_does_the_same_work_and_tells_its_times(
    tmp_path: Path, null_model: Path
) -> None:
    node = replace(
        node_process(CALM, null_model),
        parameters={'model': str(null_model), 'threads': 1, 'upsample': 'camera'},
    )
    command = [sys.executable, str(PLAIN_NODE), *node.arguments()]
    turn = take_turn(tmp_path / 'plain', CALM, command, 2.0)
    assert turn.frames >= 5
    stages = dict(turn.stage_ms)
    total = stages.pop('total')
    assert 0 < turn.added_ms < total
    assert min(stages[name] for name in ('decode', 'prepare', 'infer', 'finish', 'publish')) > 0
    assert turn.latency_ms > total
    assert turn.cores > 0


def test_the_death_of_a_camera_costs_the_others_no_frame(tmp_path: Path, null_model: Path) -> None:
    load = replace(CALM, cameras=3)
    settings = Settings(load, null_model, {'threads': 1}, seconds=6.0, chaos=True, seed=3)
    results = measure_cameras(settings, tmp_path)
    assert results.ended >= 2
    assert results.faults == []
    for counts in results.counts.values():
        assert counts.frames_out == counts.results > 0


def test_a_soak_counts_every_frame_and_tells_all_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ['--seconds', '6', '--size', '320x240', '--rate', '5', '--threads', '1']
    assert cli.main(['soak', *arguments, '--output', str(tmp_path)]) == 0
    report = json.loads((tmp_path / 'soak.json').read_text())
    assert report['kind'] == 'soak'
    assert report['settings']['load'] == {
        'cameras': 1,
        'width': 320,
        'height': 240,
        'encoding': 'rgb8',
        'rate': 5.0,
        'reliable': True,
    }
    counts = report['results']['counts']
    assert counts['published'] == counts['frames_in'] >= 28
    assert counts['frames_in'] == counts['frames_out'] + counts['dropped']
    assert counts['results'] == counts['frames_out']
    assert report['results']['cores'] > 0
    assert len(report['results']['usage']) >= 10
    for memory in report['results']['memory'].values():
        assert 0 < memory['least'] <= memory['median'] <= memory['largest']
    shown = capsys.readouterr().out
    assert 'no frame was lost or left uncounted' in shown


@pytest.mark.slow
def test_cycles_take_the_node_through_its_life(tmp_path: Path) -> None:
    arguments = ['--cycles', '10', '--size', '320x240', '--rate', '8', '--threads', '1']
    assert cli.main(['soak', *arguments, '--output', str(tmp_path), '--logs', str(tmp_path)]) == 0
    said = (tmp_path / 'soak' / 'node.log').read_text()
    assert said.count('segmenting the images of ') == 10
    assert json.loads((tmp_path / 'soak.json').read_text())['results']['counts'] is None


@pytest.mark.slow
def test_large_images_arrive_with_the_profile_alone(tmp_path: Path) -> None:
    arguments = ['--seconds', '1', '--rate', '5', '--output', str(tmp_path)]
    assert cli.main(['transport', *arguments]) == 0
    results = json.loads((tmp_path / 'transport.json').read_text())['results']
    assert list(results) == [
        'defaults',
        'FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA',
        'profile',
        'profile and malloc',
    ]
    for setting in ('profile', 'profile and malloc'):
        for quality in ('best effort', 'reliable'):
            outcome = results[setting][quality]
            assert outcome['arrived'] == outcome['published'] >= 5, (setting, quality)
            assert outcome['latency_ms'] > 0


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['transport', '--encoding', 'jpeg'], 'expected one of raw images'),
        (['soak', '--model', '/no/such.onnx'], '--model /no/such.onnx: no such file'),
    ],
)
def test_what_cannot_be_measured_is_refused(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1
    assert text in capsys.readouterr().err
