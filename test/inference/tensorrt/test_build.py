from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from seg_perception.core.contract import INPUT
from seg_perception.inference.base import ModelError, RunnerError
from seg_perception.inference.choice import read_contract
from seg_perception.inference.device_finish import append_finish
from seg_perception.inference.tensorrt.build import build_engine
from seg_perception.inference.tensorrt.flavour import TENSORRT_RTX
from seg_perception.inference.tensorrt.options import BuildOptions
from seg_perception.resources import bundled_model
from test.inference.tensorrt.rtx import TARGETS, build_rtx
from test.tiny_model import tiny_contract, write_tiny_model

ELSEWHERE = BuildOptions(compute_capabilities=('8.6',))

needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec('tensorrt_rtx') is None, reason='TensorRT for RTX is not installed'
)


def build(path: Path, options: BuildOptions = ELSEWHERE, **others: Any) -> bytes:
    return build_engine(path, options, runtime=TENSORRT_RTX, **others)


@needs_rtx
@pytest.mark.parametrize('target', TARGETS)
def test_the_bundled_model_is_built(target: str, caplog: pytest.LogCaptureFixture) -> None:
    contract = read_contract(bundled_model())
    (width, height), (columns, rows) = contract.size, contract.logits_size
    built = build_rtx(bundled_model(), caplog, targets=(target,))
    # One layer for each node of the file and 160 or 161 for the finish.
    nodes = len(onnx.load(str(bundled_model())).graph.node)
    assert nodes + 160 <= built.parsed <= nodes + 162
    assert built.layers == 1
    assert built.inputs == [f'image UInt8 [1,{height},{width},3]']
    assert built.outputs == [
        f'logits Float [1,{len(contract.labels)},{rows},{columns}]',
        f'label UInt8 [1,{height},{width}]',
        f'confidence UInt8 [1,{height},{width}]',
        'finite UInt8 [1]',
    ]
    # The finish of a picture is two kernels, of which the label's reads the logits and nothing of
    # the full size; a TopK would be one of its own.
    assert b'Topk' not in built.plan
    assert re.search(rb'__myl_\w*Resi\w*Max', built.plan)


@needs_rtx
@pytest.mark.parametrize('batch', [1, 4])
@pytest.mark.parametrize(('fixed', 'side'), [(None, '-1'), (2, '2')])
def test_the_batch_is_the_files_or_as_asked(
    tmp_path: Path, fixed: int | None, side: str, batch: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', tiny_contract(batch=fixed))
    built = build_rtx(path, caplog, batch=batch)
    side = '1' if fixed is None and batch == 1 else side
    assert built.inputs == [f'image UInt8 [{side},64,128,3]']
    assert built.outputs[1:] == [
        f'label UInt8 [{side},64,128]',
        f'confidence UInt8 [{side},64,128]',
        f'finite UInt8 [{side}]',
    ]


@needs_rtx
@pytest.mark.parametrize('size', [(713, 473, 8), (100, 60, 32)])
@pytest.mark.parametrize('align_corners', [False, True])
def test_sizes_that_the_stride_does_not_divide_are_kept(
    tmp_path: Path,
    size: tuple[int, int, int],
    align_corners: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    width, height, stride = size
    contract = tiny_contract(width=width, height=height, stride=stride, align_corners=align_corners)
    path = write_tiny_model(tmp_path / 'model.onnx', contract)
    model = onnx.load(str(path))
    model.graph.node[2].attribute.append(helper.make_attribute('ceil_mode', 1))
    onnx.save(model, str(path))
    built = build_rtx(path, caplog)
    assert built.outputs[1] == f'label UInt8 [1,{height},{width}]'


@needs_rtx
def test_the_build_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    build(
        write_tiny_model(tmp_path / 'model.onnx'),
        progress=lambda share, phase: told.append((share, phase)),
    )
    shares = [share for share, _ in told]
    assert all(before <= after for before, after in pairwise(shares))
    assert shares[0] == 0
    assert told[-1] == (1.0, 'Building engine')
    assert len(set(shares)) > 10
    assert all(phase for _, phase in told)


def transpose_first(model: Any) -> None:
    """Put the Transpose before the Cast: its input is uint8 then."""
    cast, transpose, *rest = model.graph.node
    nodes = [
        helper.make_node('Transpose', [INPUT], ['turned'], 'turn', perm=[0, 3, 1, 2]),
        helper.make_node('Cast', ['turned'], list(transpose.output), 'cast', to=TensorProto.FLOAT),
        *rest,
    ]
    assert cast.op_type == 'Cast'
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def quantise_bias(model: Any) -> None:
    """Keep the bias as INT32 behind a DequantizeLinear, as some quantisers do."""
    convolution = model.graph.node[-1]
    (bias,) = (entry for entry in model.graph.initializer if entry.name == 'bias')
    scale = np.full(19, 0.01, np.float32)
    model.graph.initializer.remove(bias)
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(
                np.rint(numpy_helper.to_array(bias) / scale).astype(np.int32), 'whole'
            ),
            numpy_helper.from_array(scale, 'scale'),
            numpy_helper.from_array(np.zeros(19, np.int32), 'zero'),
        ]
    )
    model.graph.node.insert(
        len(model.graph.node) - 1,
        helper.make_node(
            'DequantizeLinear', ['whole', 'scale', 'zero'], ['bias'], 'wide_bias', axis=0
        ),
    )
    assert convolution.input[2] == 'bias'


def use_unknown(model: Any) -> None:
    """Put an operator between that TensorRT does not have."""
    model.graph.node[2].output[0] = 'even'
    model.graph.node.insert(3, helper.make_node('Unique', ['even'], ['unused'], 'different'))
    model.graph.node.insert(4, helper.make_node('Identity', ['even'], ['cells'], 'same'))


@needs_rtx
@pytest.mark.parametrize(
    ('mistake', 'sentence'),
    [
        (transpose_first, r'node turn \(Transpose\): .*has type UInt8 but must have type'),
        (quantise_bias, r'node wide_bias \(DequantizeLinear\): .*'),
        (use_unknown, r'node different \(Unique\): .*'),
    ],
)
def test_a_node_that_cannot_be_run_is_named(tmp_path: Path, mistake: Any, sentence: str) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    build(path)
    model = onnx.load(str(path))
    mistake(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    with pytest.raises(
        RunnerError, match=f'model.onnx: TensorRT for RTX .* cannot run this model: {sentence}'
    ) as caught:
        build(path)
    assert '\n' not in str(caught.value)


@needs_rtx
def test_polygraphy_finds_every_node_supported(tmp_path: Path) -> None:
    pytest.importorskip('polygraphy', reason='polygraphy is not installed')
    path = tmp_path / 'model.onnx'
    onnx.save(append_finish(bundled_model(), read_contract(bundled_model())), str(path))
    start = 'import sys; from polygraphy.tools import main; sys.exit(main())'
    tool = [sys.executable, '-c', start, 'inspect', 'capability', str(path)]
    answer = subprocess.run(
        tool,
        cwd=tmp_path,
        env={**os.environ, 'POLYGRAPHY_USE_TENSORRT_RTX': '1'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Graph is fully supported by TensorRT' in answer.stdout, answer.stdout + answer.stderr


@needs_rtx
def test_what_rtx_does_not_build_for_is_told() -> None:
    with pytest.raises(RunnerError, match=r'compute capability 7\.5, 8\.0, .*, got 9\.0; use an'):
        build(bundled_model(), BuildOptions(compute_capabilities=('8.6', '9.0')))


@needs_rtx
def test_there_is_no_accelerator_for_deep_learning_here() -> None:
    with pytest.raises(RunnerError, match=r'dla_core: expected one of the 0 cores .*, got 1'):
        build(bundled_model(), BuildOptions(compute_capabilities=('8.6',), dla_core=1))


def test_a_model_that_breaks_the_contract_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
        build(tmp_path / 'none.onnx')
    path = write_tiny_model(tmp_path / 'model.onnx', classes=18)
    with pytest.raises(ModelError, match='breaks the model contract'):
        build(path)
