from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from seg_perception.demo.domain import DOMAINS, discovery_port, free_domain
from seg_perception.demo.graph import DemoOptions, Process, demo_processes
from seg_perception.demo.run import _interrupts, demo_environment, main
from seg_perception.large_images import large_image_environment


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--duration', '0'], '--duration must be more than 0 and at most 3600 seconds, got 0'),
        (['--duration', 'nan'], '--duration must be more than 0 and at most 3600 seconds, got nan'),
        (['--rate', '1000'], '--rate must be 0.1 to 240 frames per second, got 1000'),
        (['--model', '/no/such.onnx'], '--model /no/such.onnx: no such file'),
        (['--source', '/no/such'], '--source /no/such: no such file or folder; give scene, a'),
    ],
)
def test_a_bad_option_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert main(['--output', str(tmp_path / 'output'), *options]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f'demo: {sentence}')
    assert told.count('\n') == 1
    assert not (tmp_path / 'output').exists()


def test_an_output_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'file').write_text('')
    assert main(['--output', str(tmp_path / 'file' / 'output')]) == 1
    assert str(tmp_path / 'file') in capsys.readouterr().err


@pytest.mark.parametrize(
    ('distro', 'profile'),
    [
        ('humble', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_large_images_get_what_is_missing_and_nothing_else(distro: str, profile: str) -> None:
    ros = {'ROS_DISTRO': distro}
    wanted = large_image_environment(ros)
    assert wanted.keys() == {profile, 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'}
    assert Path(wanted[profile]).is_file()
    assert large_image_environment({**ros, profile: 'mine.xml'}).keys() == wanted.keys() - {profile}
    assert large_image_environment({**ros, **wanted}) == {}


def test_the_graph_is_private_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('ROS_DOMAIN_ID')
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE')
    environment = demo_environment()
    assert 1 <= int(environment['ROS_DOMAIN_ID']) <= DOMAINS
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    monkeypatch.setenv('ROS_DOMAIN_ID', '7')
    assert demo_environment()['ROS_DOMAIN_ID'] == '7'


def test_a_domain_with_somebody_in_it_is_passed_by() -> None:
    domain = free_domain()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.bind(('', discovery_port(domain)))
        assert free_domain() != domain


def test_arguments_keep_the_types_of_values() -> None:
    process = Process(
        tool='tool',
        name='name',
        parameters={'folder': '2026', 'text': 'it\'s "ü": yes', 'rate': 10.0, 'on': True, 'n': 3},
        remappings={'image': 'camera/image_raw'},
    )
    assert process.arguments() == [
        '--ros-args',
        *('-r', '__node:=name', '-r', '__ns:=/demo', '-r', 'image:=camera/image_raw'),
        *('-p', 'folder:="2026"', '-p', 'text:="it\'s \\"ü\\": yes"'),
        *('-p', 'rate:=10.0', '-p', 'on:=true', '-p', 'n:=3'),
    ]


def test_the_node_gets_a_model_only_where_one_is_chosen() -> None:
    node, *_ = demo_processes(DemoOptions())
    assert 'model' not in node.parameters
    node, *_ = demo_processes(DemoOptions(model='my.onnx'))
    assert node.parameters['model'] == 'my.onnx'


def test_signals_are_collected_and_then_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _interrupts() as received:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert sorted(received) == [signal.SIGINT, signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) is before
