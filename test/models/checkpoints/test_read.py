from __future__ import annotations

import io
import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from seg_perception.models.checkpoints.read import CheckpointError, read_checkpoint

FORMS = pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
TENSORS = OrderedDict(weight=torch.arange(12.0).view(3, 4), bias=torch.tensor([1.5, -2.0]))


class Program:
    """Pickled, it is a call: whoever reads the file in full makes it."""

    def __init__(self, call: Callable[..., Any], *arguments: object) -> None:
        self.call = call, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


def save(path: Path, content: object, *, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def repacked(path: Path, change: Callable[[bytes], bytes], compression: int = 0) -> Path:
    """Rewrite a zipped checkpoint with another pickle in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, 'w', compression) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(
                entry.filename, change(content) if entry.filename.endswith('.pkl') else content
            )
    path.write_bytes(packed.getvalue())
    return path


@FORMS
@pytest.mark.parametrize('wrapper', ['', 'state_dict', 'network', 'model_state_dict', 'model'])
@pytest.mark.parametrize('prefix', ['', 'module.', 'model.module.'])
def test_tensors_are_found(tmp_path: Path, zipped: bool, wrapper: str, prefix: str) -> None:
    named = {f'{prefix}{name}': value for name, value in TENSORS.items()}
    content = {wrapper: named, 'epoch': 3} if wrapper else named
    found = read_checkpoint(save(tmp_path / 'a.pth', content, zipped=zipped))
    assert list(found.tensors) == ['weight', 'bias']
    assert all(torch.equal(found.tensors[name], value) for name, value in TENSORS.items())
    assert found.meta == ({'epoch': 3} if wrapper else {})


@FORMS
def test_published_metadata_is_read(tmp_path: Path, zipped: bool) -> None:
    meta = {
        'config': 'model = dict()',
        'CLASSES': ('road', 'sidewalk'),
        'PALETTE': [[128, 64, 128], [244, 35, 232]],
        'iter': 80000,
        'rate': np.float64(0.01),
        'seen': np.int64(7),
        'history': np.arange(3.0),
        'state': np.random.RandomState(0).get_state(),
    }
    content = {'meta': meta, 'state_dict': TENSORS, 'optimizer': {'lr': np.float32(0.1)}}
    found = read_checkpoint(save(tmp_path / 'a.pth', content, zipped=zipped))
    assert found.meta['config'] == 'model = dict()'
    assert found.meta['CLASSES'] == ('road', 'sidewalk')
    assert found.meta['iter'] == 80000
    assert list(found.tensors) == ['weight', 'bias']


@FORMS
def test_a_history_of_openmmlab_is_read(tmp_path: Path, zipped: bool) -> None:
    # As pickled by OpenMMLab's engine: a class that is not here, and `getattr` of its methods.
    path = save(tmp_path / 'a.pth', {'state_dict': TENSORS, 'hub': 'PLACE'}, zipped=zipped)
    history = (
        b'cmmengine.logging.history_buffer\nHistoryBuffer\n)\x81}X\x03\x00\x00\x00mean'
        b'c__builtin__\ngetattr\ncmmengine.logging.history_buffer\nHistoryBuffer\n'
        b'X\x04\x00\x00\x00mean\x86Rsb'
    ).replace(b'X\x03\x00\x00\x00mean', b'X\x04\x00\x00\x00mean')
    place = b'X\x05\x00\x00\x00PLACE'
    if zipped:
        repacked(path, lambda content: content.replace(place, history))
    else:
        path.write_bytes(path.read_bytes().replace(place, history))
    assert list(read_checkpoint(path).tensors) == ['weight', 'bias']


@FORMS
@pytest.mark.parametrize('nested', [True, False])
@pytest.mark.parametrize('call', ['system', 'eval', 'getattr'])
def test_a_program_is_refused_and_not_run(
    tmp_path: Path, zipped: bool, nested: bool, call: str
) -> None:
    marker = tmp_path / 'it ran'
    program = {
        'system': Program(os.system, f'touch "{marker}"'),
        'eval': Program(eval, f'open({str(marker)!r}, "w")'),
        'getattr': Program(getattr, Program(__import__, 'os'), 'system'),
    }[call]
    content = {'meta': {'notes': [{'x': program}]}, 'state_dict': TENSORS} if nested else program
    path = save(tmp_path / 'a.pth', content, zipped=zipped)
    asked = {'system': r'`\w+\.system`', 'eval': '`eval`', 'getattr': '`__import__`'}[call]
    with pytest.raises(CheckpointError, match=rf'is refused.*{asked}.*nothing of it was run'):
        read_checkpoint(path)
    assert not marker.exists()


@FORMS
def test_trust_is_an_explicit_choice(tmp_path: Path, zipped: bool) -> None:
    marker = tmp_path / 'it ran'
    content = {'meta': Program(os.mkdir, str(marker)), 'state_dict': TENSORS}
    path = save(tmp_path / 'a.pth', content, zipped=zipped)
    with pytest.raises(CheckpointError, match='add --trust'):
        read_checkpoint(path)
    assert not marker.exists()
    assert list(read_checkpoint(path, trust=True).tensors) == ['weight', 'bias']
    assert marker.is_dir()


def test_a_whole_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r'`torch\.nn\.modules\.linear\.Linear`'):
        read_checkpoint(save(tmp_path / 'a.pth', torch.nn.Linear(2, 2)))


@FORMS
@pytest.mark.parametrize('share', [0.0, 0.02, 0.4, 0.7, 0.99])
def test_a_file_cut_short(tmp_path: Path, zipped: bool, share: float) -> None:
    path = save(tmp_path / 'a.pth', {'weight': torch.zeros(1000)}, zipped=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match='fetch it again'):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'once upon a time, a text', "by its first bytes b'once upo' it is none of them"),
        (bytes(257) + b'ustar' + bytes(200), 'it is a tar archive of torch before 0.2'),
        (pickle.dumps({'a': 1}, protocol=4), 'cannot be read'),
        (b'\x80', 'cannot be read'),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with pytest.raises(CheckpointError, match=reason):
            read_checkpoint(path)


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match='is a folder'):
        read_checkpoint(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / 'none.pth')


@FORMS
@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ([1, 2], 'got list; save `network.state_dict'),
        ({}, 'holds no tensors'),
        ({'a': 'text', 'b': 2}, r'found a \(str\), b \(int\)'),
        ({'state_dict': {f'n{i}': i for i in range(12)}}, r'n9 \(int\), … \(12 in all\)'),
        ({'a': torch.eye(3).to_sparse()}, 'expected plain numbers, got torch.float32 torch.sparse'),
        ({'a': torch.zeros(2, dtype=torch.complex64)}, 'got torch.complex64'),
        ({'a': torch.zeros(1).expand(10**12)}, r'claims the shape \(1000000000000,\) but holds 4'),
    ],
)
def test_other_content(tmp_path: Path, zipped: bool, content: object, reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        read_checkpoint(save(tmp_path / 'a.pth', content, zipped=zipped))


@FORMS
@pytest.mark.parametrize('claimed', [b'J\xff\xff\xff\x7f', b'\x8a\x07\xff\xff\xff\xff\xff\xff\x7f'])
def test_a_tensor_that_claims_more_than_the_file(
    tmp_path: Path, zipped: bool, claimed: bytes
) -> None:
    path = save(tmp_path / 'a.pth', {'weight': torch.zeros(6)}, zipped=zipped)
    if zipped:
        repacked(path, lambda content: content.replace(b'K\x06', claimed))
    else:
        path.write_bytes(path.read_bytes().replace(b'K\x06', claimed))
    with pytest.raises(CheckpointError, match='cannot be read'):
        read_checkpoint(path)


def test_a_compressed_archive_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a/data.pkl', bytes(50_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match=r'a/data\.pkl is compressed'):
        read_checkpoint(path)


def test_parts_that_overlap_are_refused_unread(tmp_path: Path) -> None:
    path = save(tmp_path / 'a.pth', {'weight': torch.zeros(6)})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo('a/data/0').file_size.to_bytes(4, 'little')
    directory = content.index(b'PK\x01\x02')
    tail = content[directory:].replace(size, (10**9).to_bytes(4, 'little'))
    path.write_bytes(content[:directory] + tail)
    with pytest.raises(CheckpointError, match=r'its parts claim \d{10,} bytes'):
        read_checkpoint(path)


def test_safetensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / 'a.safetensors'
    named = {f'module.{name}': value for name, value in TENSORS.items()}
    path.write_bytes(safetensors.torch.save(named, {'config': 'model = dict()'}))
    found = read_checkpoint(path)
    assert sorted(found.tensors) == ['bias', 'weight']
    assert all(torch.equal(found.tensors[name], value) for name, value in TENSORS.items())
    assert found.meta == {'config': 'model = dict()'}


@pytest.mark.parametrize(
    'change',
    [
        lambda content: content.replace(b'[3,4]', b'[9,9]'),
        lambda content: content.replace(b'"data_offsets":[0,8]', b'"data_offsets":[0,9]'),
        lambda content: content[:-4],
        lambda _: b'\xff\xff\xff\x01\0\0\0\0{',
        lambda content: content.replace(b'"F32"', b'"F99"'),
    ],
    ids=['shape', 'offsets', 'cut', 'header', 'type'],
)
def test_safetensors_that_lie(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / 'a.safetensors'
    content = safetensors.torch.save(dict(TENSORS))
    changed = change(content)
    assert changed != content
    path.write_bytes(changed)
    with pytest.raises(CheckpointError, match='is damaged'):
        read_checkpoint(path)
