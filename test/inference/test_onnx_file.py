"""Files that claim too much are refused, at the node's own door and before memory is taken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from seg_perception.inference.base import ModelError
from seg_perception.inference.choice import read_contract
from seg_perception.inference.onnx_file import check_file
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from seg_perception.resources import bundled_model
from test.inference.hostile import HUGE, LARGE, claim, elsewhere, floats, ints, write
from test.tiny_model import write_tiny_model


@pytest.mark.parametrize('name', LARGE)
def test_a_tensor_too_large_is_refused(name: str, tmp_path: Path) -> None:
    path = LARGE[name](tmp_path / 'model.onnx')
    assert path.stat().st_size < 50_000
    with pytest.raises(ModelError, match=r'at most 1,073,741,824 elements, got \d.*; do not trust'):
        check_file(path)


@pytest.mark.parametrize(
    ('tensor', 'sentence'),
    [
        (claim('w', [1000, 1000], b'1234'), "'w' of .1000, 1000., got 4 bytes where it takes 4000"),
        (claim('w', [1], b'12345678'), 'got 8 bytes where it takes 4;'),
        (claim('w', [1000]), 'got 0 bytes where it takes 4000'),
        (onnx.TensorProto(name='w', data_type=1, dims=[9], float_data=[1, 2]), None),
        (onnx.TensorProto(name='w', data_type=7, dims=[99], int64_data=[1] * 9), 'got 9 bytes for'),
        (onnx.TensorProto(name='w', data_type=8, dims=[99], string_data=[b'']), 'got 1 bytes for'),
        (onnx.TensorProto(name='w', data_type=1, dims=[-1, -5]), "'w' has sides .-1, -5."),
        (onnx.TensorProto(name='w', data_type=1, dims=[1] * 65), 'a tensor of 65 sides'),
    ],
)
def test_a_tensor_that_holds_less_than_it_claims(
    tensor: onnx.TensorProto, sentence: str | None, tmp_path: Path
) -> None:
    path = write(tmp_path / 'model.onnx', weights=[tensor])
    if sentence is None:  # a few elements too few are the runtime's to refuse
        check_file(path)
        return
    with pytest.raises(ModelError, match=sentence):
        check_file(path)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Sixteen bytes that are none of the model's business, one folder above it."""
    path = tmp_path / 'secret'
    path.write_bytes(bytes(16))
    return path


@pytest.mark.parametrize('location', ['../secret', 'SECRET', 'link', 'sub/../../secret', ''])
def test_weights_outside_the_folder(location: str, secret: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    folder.mkdir()
    (folder / 'link').symlink_to(secret)
    weight = elsewhere('w', location.replace('SECRET', str(secret)))
    path = write(folder / 'model.onnx', weights=[weight])
    with pytest.raises(ModelError, match="expected one file that holds its weights, got 'w' in"):
        check_file(path)
    with pytest.raises(ModelError, match="expected weights in the folder of the file, got 'w' in"):
        check_file(path, foreign=True)


def test_weights_in_the_folder_where_they_may_be(tmp_path: Path) -> None:
    path = write(tmp_path / 'model.onnx', weights=[elsewhere('w', 'weights')])
    with pytest.raises(ModelError, match="expected the weights beside the file, got no 'weights'"):
        check_file(path, foreign=True)
    (tmp_path / 'weights').write_bytes(bytes(15))
    with pytest.raises(ModelError, match="'w' of 16 bytes, got 15 in 'weights'"):
        check_file(path, foreign=True)
    (tmp_path / 'weights').write_bytes(bytes(16))
    check_file(path, foreign=True)
    with pytest.raises(ModelError, match='expected one file'):
        check_file(path)


def test_weights_in_a_constant_or_said_to_be_nowhere(tmp_path: Path) -> None:
    constant = onnx.helper.make_node('Constant', [], ['made'], value=elsewhere('v', '/etc/passwd'))
    path = write(tmp_path / 'model.onnx', [constant])
    for allowed in (False, True):
        with pytest.raises(ModelError, match="got 'v' in '/etc/passwd'"):
            check_file(path, foreign=allowed)
    nowhere = elsewhere('w', 'x')
    del nowhere.external_data[:]
    with pytest.raises(ModelError, match='expected one file'):
        check_file(write(tmp_path / 'model.onnx', weights=[nowhere]))


def nested(depth: int) -> onnx.GraphProto:
    graph = onnx.helper.make_graph([], 'g', [], [])
    for _ in range(depth):
        node = onnx.helper.make_node('If', ['c'], ['o'], then_branch=graph, else_branch=graph)
        del node.attribute[1:]
        graph = onnx.helper.make_graph([node], 'g', [], [])
    return graph


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        (b'', 'got a message of 0 graphs'),
        (b'not a model', 'got (wire type|a field of)'),
        (b'\x3a\xff\xff\xff\xff\x0f', 'got a field of 4294967295 bytes where 0 are left'),
        (b'\x3a\x80', 'got a number that is cut off'),
        (b'\xff' * 12, 'got a number of more than ten bytes'),
        (b'\x3a\x00\x3a\x00', 'got a message of 2 graphs'),
        (onnx.ModelProto(graph=nested(17)).SerializeToString(), 'at most 16 deep, got deeper ones'),
    ],
)
def test_what_is_no_model(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / 'model.onnx'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=sentence) as caught:
        check_file(path)
    assert str(caught.value).startswith(f'{path}: ')


def test_a_file_of_more_than_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / 'model.onnx'
    with path.open('wb') as file:
        file.truncate(2**31 + 1)  # a hole: it takes no room
    with pytest.raises(ModelError, match='at most 2 GiB, got 2,147,483,649 bytes'):
        check_file(path)


def test_every_cut_of_a_model_is_an_error_or_a_model(tmp_path: Path) -> None:
    whole = write_tiny_model(tmp_path / 'whole.onnx').read_bytes()
    path = tmp_path / 'model.onnx'
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        try:
            check_file(path)
        except ModelError as error:
            assert 'expected' in str(error)  # noqa: PT017


def test_flipped_bits_raise_nothing_else(tmp_path: Path) -> None:
    whole = bytearray(write_tiny_model(tmp_path / 'whole.onnx').read_bytes())
    path, random = tmp_path / 'model.onnx', np.random.default_rng(0)
    refused = 0
    for position in random.integers(0, len(whole), 300):
        damaged = whole.copy()
        damaged[position] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            check_file(path)
        except ModelError:
            refused += 1
    assert refused > 3


def test_honest_models_pass(tmp_path: Path) -> None:
    check_file(bundled_model())
    check_file(write_tiny_model(tmp_path / 'tiny.onnx'))
    node = onnx.helper.make_node('Resize', ['float', '', 's'], ['made'], mode='linear')
    path = write(tmp_path / 'model.onnx', [node], [floats('s', 1, 32, 32, 1), ints('unused')])
    check_file(path)


@pytest.mark.parametrize('load', [read_contract, lambda path: OnnxRuntimeRunner(path).activate()])
def test_the_node_refuses_it_before_its_runtime_sees_it(
    load: Callable[[Path], object], tmp_path: Path
) -> None:
    path = LARGE['constant of shape'](tmp_path / 'model.onnx')
    with pytest.raises(ModelError, match=r'elements, got 2\.5e\+10 in .made., made by Constant'):
        load(path)


def test_no_memory_is_taken(tmp_path: Path) -> None:
    """In a process that may grow by 256 MiB and tells how far it did."""
    claims = [write(tmp_path / 'short.onnx', weights=[claim('w', [HUGE // 100], b'1234')])]
    claims += [LARGE[name](tmp_path / f'{i}.onnx') for i, name in enumerate(LARGE)]
    script = """
import resource, sys
from seg_perception.inference.base import ModelError
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        OnnxRuntimeRunner(path).activate()
    except ModelError as error:
        print('refused')
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    answer = subprocess.run(
        [sys.executable, '-c', script, *map(str, claims)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    *refusals, growth = answer.stdout.split()
    assert refusals == ['refused'] * len(claims)
    assert int(growth) < 16 * 1024  # KiB
