from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from seg_perception.inference.choice import create_runner, read_contract
from seg_perception.models.catalogue.catalogue import find
from seg_perception.models.checkpoints import convert
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.cli import main
from seg_perception.models.commands.import_model import _overrides
from seg_perception.models.networks.architecture import architecture
from test.models.checkpoints.layouts import CLASSES, layout, shapes, unused
from test.models.seeded_weights import seeded_tensor

MMSEG = (
    'model = dict(backbone=dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), '
    'contract_dilation=True), decode_head=dict(align_corners=False))\n'
    "dataset_type = 'CityscapesDataset'\n"
)
WORDS = ['--trained-on', 'nothing', '--weights-license', 'none', '--data-license', 'no data']
SIZE = ['--width', '96', '--height', '64', '--check-frames', '2']


def save(path: Path, name: str, meta: object = None) -> Path:
    own = shapes(name)
    wanted = {theirs: own[ours] for theirs, ours in layout(name).items()} | unused(name)
    tensors = {key: torch.from_numpy(seeded_tensor(key, shape)) for key, shape in wanted.items()}
    torch.save({'state_dict': tensors, 'meta': meta or {}}, path)
    return path


@pytest.fixture(scope='module')
def smp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp('smp') / 'smp.pth', 'smp_pspnet_r18')


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, in which nothing is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_published_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(tmp_path / 'r18.pth', 'pspnet_r18_d8', {'config': MMSEG})
    output = tmp_path / 'r18.onnx'
    size = ['--width', '97', '--height', '65', '--check-frames', '2']
    assert main(['import', str(source), '--output', str(output), *size]) == 0
    printed = capsys.readouterr().out
    assert 'mmsegmentation' in printed
    assert 'contracted' in printed
    assert 'give the same label on 100.0' in printed
    contract = read_contract(output)
    assert contract.name == 'r18'
    assert contract.architecture == 'pspnet_r18_d8'
    assert contract.configuration == architecture('pspnet_r18_d8').to_config()
    assert (contract.width, contract.height, contract.stride) == (97, 65, 8)
    assert not contract.align_corners
    assert contract.label_set == 'cityscapes'
    assert len(contract.labels) == CLASSES
    assert contract.trained_on == 'Cityscapes train (fine)'
    assert contract.weights_license == 'Apache-2.0'
    assert 'non-commercial' in contract.data_license
    assert contract.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert contract.source_url == ''
    assert contract.accuracy == ()


def test_words_and_pictures_of_the_user(smp: Path, street: Path, tmp_path: Path) -> None:
    output = tmp_path / 'smp.onnx'
    words = [*WORDS, '--name', 'mine', '--source-url', 'https://example.org/smp.pth']
    check = ['--check-on', str(street)]
    assert main(['import', str(smp), '--output', str(output), *SIZE, *words, *check]) == 0
    contract = read_contract(output)
    assert contract.name == 'mine'
    assert contract.architecture == 'smp_pspnet_r18'
    assert contract.trained_on == 'nothing'
    assert contract.weights_license == 'none'
    assert contract.data_license == 'no data'
    assert contract.source_url == 'https://example.org/smp.pth'
    assert contract.align_corners


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(['import', *arguments]) == 1
    *_, last = capsys.readouterr().err.strip().split('\n')
    assert last.startswith('model import: ')
    return last


@pytest.mark.parametrize(
    ('more', 'reason'),
    [
        ([], 'does not tell enough of itself; add --trained-on, --weights-license, --data-license'),
        ([*WORDS, '--label-set', 'camvid'], 'tells 19 classes, label set camvid has 11'),
        ([*WORDS, '--align-corners', 'false'], '--align-corners false contradicts'),
        ([*WORDS, '--check-on', '.'], 'expected pictures'),
        ([*WORDS, '--check-frames', '0'], '--check-frames: expected 1 or more, got 0'),
        ([*WORDS, '--width', '8'], 'expected sides of at least 16, got 8x64'),
        ([*WORDS, '--width', '97'], 'expected a size that is a multiple of 8, got 97x64'),
        ([*WORDS, '--label-set', 'nowhere'], 'no label file of the name'),
    ],
)
def test_what_is_wrong_is_one_line(
    smp: Path,
    empty: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    reason: str,
) -> None:
    assert reason in fails([str(smp), '--output', 'smp.onnx', *SIZE, *more], capsys)
    assert list(empty.iterdir()) == []


def test_recorded_names_must_be_those_of_the_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ['road', 'pavement', *['x'] * 17]
    source = save(tmp_path / 'a.pth', 'pspnet_r18_d8', {'config': MMSEG, 'CLASSES': names})
    line = fails([str(source), '--output', str(tmp_path / 'a.onnx'), *SIZE], capsys)
    assert "records class 1 as 'pavement', in label set cityscapes it is 'sidewalk'" in line
    assert not (tmp_path / 'a.onnx').exists()


def test_a_file_that_labels_otherwise_is_not_kept(
    smp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'smp.onnx'
    output.write_text('an older model')
    monkeypatch.setattr(convert, 'MIN_AGREEMENT', 1.5)
    line = fails([str(smp), '--output', str(output), *SIZE, *WORDS], capsys)
    assert 'smp.onnx was not written' in line
    assert output.read_text() == 'an older model'
    assert list(tmp_path.iterdir()) == [output]


class Program:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_program_is_run_for_those_alone_who_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / 'it ran'
    source = tmp_path / 'a.pth'
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': Program(marker)}, source)
    arguments = [str(source), '--output', str(tmp_path / 'a.onnx'), *SIZE]
    assert 'nothing of it was run' in fails(arguments, capsys)
    assert not marker.exists()
    assert main(['import', *arguments, '--trust']) == 1
    warning, error = capsys.readouterr().err.strip().split('\n')
    assert warning == f'warning: --trust runs whatever programs {source} holds, with your rights'
    assert 'expected a PSPNet of mmsegmentation' in error
    assert marker.is_dir()


def test_a_model_that_is_not_fetched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = ['--cache', str(tmp_path)]
    arguments = ['pspnet_r18_d8_512x1024_80k', '--output', str(tmp_path / 'a.onnx'), *cache]
    assert 'model fetch pspnet_r18_d8_512x1024_80k` first' in fails(arguments, capsys)


def test_what_the_catalogue_knows_of_a_published_file() -> None:
    silent = argparse.Namespace(align_corners=None, output_stride=None, dilation=None)
    assert _overrides(silent, None) == Overrides()
    known = _overrides(silent, find('pspnet_r18_d8_769x769_80k'))
    assert known == Overrides(align_corners=True, output_stride=8, dilation='contracted')
    said = argparse.Namespace(align_corners='false', output_stride=32, dilation='full')
    assert _overrides(said, find('pspnet_r18_d8_769x769_80k')) == Overrides(
        align_corners=False, output_stride=32, dilation='full'
    )


def test_a_foreign_onnx_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / 'net.onnx', tmp_path / 'wrapped.onnx'
    write_net(source)
    norm = ['--mean', '1', '2', '3', '--std', '4', '5', '6', '--channel-order', 'bgr']
    told = ['--align-corners', 'true', '--architecture', 'one convolution', *WORDS]
    assert main(['import', str(source), '--output', str(output), *norm, *told]) == 0
    assert 'wrapped.onnx (96x64) gives 100.000000% of the pixels the' in capsys.readouterr().out
    contract = read_contract(output)
    assert contract.name == 'wrapped'
    assert contract.architecture == 'one convolution'
    assert contract.configuration == {}
    assert (contract.width, contract.height, contract.stride) == (96, 64, 8)
    assert contract.align_corners
    assert contract.trained_on == 'nothing'
    assert contract.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    # Red 4, green 2 and blue 9 make b = (9 - 1) / 4, g = 0 and r = (4 - 3) / 6.
    image = np.full((1, 64, 96, 3), (4, 2, 9), np.uint8)
    with create_runner('onnxruntime', output) as runner:
        assert np.unique(runner.infer(image).label).tolist() == [0]
        assert np.unique(runner.infer(image[..., ::-1].copy()).label).tolist() == [2]


def write_net(path: Path) -> None:
    """Write a float network of stride 8 whose first three logits are its normalised channels."""
    weight = np.zeros((CLASSES, 3, 8, 8), np.float32)
    weight[range(3), range(3)] = 1 / 64
    node = helper.make_node('Conv', ['x', 'weight'], ['y'], strides=[8, 8], kernel_shape=[8, 8])
    shapes_of = {'x': (1, 3, 64, 96), 'y': (1, CLASSES, 8, 12)}
    x, y = (helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in shapes_of.items())
    graph = helper.make_graph([node], 'net', [x], [y], [numpy_helper.from_array(weight, 'weight')])
    opset = helper.make_opsetid('', 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


def test_an_onnx_file_has_to_be_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / 'a.onnx'
    source.write_bytes(b'any')
    line = fails([str(source), '--output', str(tmp_path / 'b.onnx')], capsys)
    assert line.endswith('add --mean, --std, --channel-order, --align-corners, --architecture')
