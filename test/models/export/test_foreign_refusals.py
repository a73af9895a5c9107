"""Foreign networks that cannot be wrapped are refused with a reason, and leave no file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from seg_perception.core.labels import load_label_set
from seg_perception.inference.base import ModelError
from seg_perception.inference.choice import create_runner
from seg_perception.models.cli import main
from seg_perception.models.export.foreign import Preparation, wrap
from test.inference.hostile import LARGE, elsewhere
from test.models.export.foreign_networks import (
    ABOUT,
    IMAGENET,
    LABELS,
    Labels,
    Net,
    Probabilities,
    Several,
    export,
    torch_label,
)


def fails(source: Path, how: Preparation, sentence: str, labels: Any = LABELS) -> str:
    """Expect an error that names the file, and no new file; return its text."""
    before = sorted(source.parent.iterdir())
    with pytest.raises((ModelError, ValueError), match=sentence) as caught:
        wrap(source, source.with_name('model.onnx'), how, labels, ABOUT)
    assert sorted(source.parent.iterdir()) == before
    return str(caught.value)


def test_labels_are_no_logits_but_what_is_before_them_is(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', Labels())
    text = fails(source, IMAGENET, r'expected logits, got labels \(ArgMax\) in ')
    name = text.rpartition('--logits ')[2]
    wrap(source, tmp_path / 'model.onnx', replace(IMAGENET, output=name), LABELS, ABOUT)
    image = np.random.default_rng(5).integers(0, 256, (64, 96, 3), np.uint8)
    with create_runner('onnxruntime', tmp_path / 'model.onnx') as runner:
        found = runner.infer(image[None]).label[0]
    assert np.mean(found == torch_label(Net(), image, IMAGENET)) >= 0.9999


def test_probabilities_are_no_logits(tmp_path: Path) -> None:
    source = export(tmp_path / 'resized.onnx', Probabilities(4))
    text = fails(source, IMAGENET, r'expected logits, got probabilities \(Softmax\) in ')
    how = replace(IMAGENET, output=text.rpartition('--logits ')[2])
    assert wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)[0].stride == 8
    source = export(tmp_path / 'by_hand.onnx', Probabilities(8))
    fails(source, IMAGENET, 'got probabilities: positive, with a sum of 1')


def test_several_outputs_are_chosen_from_by_name(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', Several(4))
    fails(source, IMAGENET, r'expected one, got float32 `.*, float32 `.*say which .*--logits')
    names = [value.name for value in onnx.load(str(source)).graph.output]
    how = replace(IMAGENET, output=names[0])
    assert wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)[0].stride == 4
    how = replace(IMAGENET, output=names[1])
    fails(source, how, r'expected 11 classes as the label set has, got float32 \[1, 32, 8, 12\]')
    fails(source, replace(IMAGENET, output='nowhere'), "the graph has no tensor 'nowhere'; outputs")


def test_other_classes_than_the_label_set(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', Net())
    fails(source, IMAGENET, 'expected 19 classes as the label set has, got', load_label_set())


def test_sizes_are_asked_for_where_the_file_leaves_them_open(tmp_path: Path) -> None:
    source = export(tmp_path / 'open.onnx', Net(), dynamic=True)
    fails(source, IMAGENET, 'expected a fixed width, got an open one; choose one by --width')
    how = replace(IMAGENET, width=96)
    fails(source, how, 'expected a fixed height, got an open one; choose one by --height')
    fails(source, replace(how, height=10**8), 'expected tensors of at most 1,073,741,824 elements')
    source = export(tmp_path / 'fixed.onnx', Net())
    fails(source, replace(how, height=32), 'expected --height 64 as the file has it, got 32')
    assert wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)[0].size == (96, 64)


def test_sizes_that_no_stride_divides(tmp_path: Path) -> None:
    source = export(tmp_path / 'open.onnx', Net(4), dynamic=True)
    how = replace(IMAGENET, width=98, height=64)
    fails(source, how, 'expected logits at one stride, got 26x16 of 98x64; choose sides that are')
    # At stride 8, 769 pixels become 97 logits: the first and the last lie on the corners.
    source = export(tmp_path / 'aligned.onnx', Net(8), dynamic=True)
    how = replace(IMAGENET, width=97, height=65)
    assert wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)[0].stride == 8


def edited(path: Path, edit: Any) -> Path:
    model = onnx.load(str(export(path, Net())))
    edit(model)
    onnx.save(model, str(path))
    return path


def _foreign_operator(model: Any) -> None:
    relus = [node for node in model.graph.node if node.op_type == 'Relu']
    for node in relus:
        node.op_type, node.domain = 'FusedRelu', 'com.microsoft'
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))


def _uint8(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def _grey(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


def _second_input(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info('depth', TensorProto.FLOAT, [1, 1]))


def _old(model: Any) -> None:
    model.opset_import[0].version = 9


def _weights_elsewhere(model: Any) -> None:
    model.graph.initializer.append(elsewhere('w', '../../etc/passwd'))


def _broadcast(model: Any) -> None:
    """Two tensors of 160 kB each whose sum has 1.6 billion elements."""
    for name, sides in (('a', [40_000, 1]), ('b', [1, 40_000])):
        tensor = onnx.numpy_helper.from_array(np.zeros(sides, np.float32), name)
        model.graph.initializer.append(tensor)
    model.graph.node.append(helper.make_node('Add', ['a', 'b'], ['c']))


@pytest.mark.parametrize(
    ('edit', 'sentence'),
    [
        (_foreign_operator, r'operators of the ONNX standard, got com\.microsoft\.FusedRelu \(2\)'),
        (_uint8, r'expected float32 \[N, 3, H, W\] or .*, got uint8 `x` \[1, 3, 64, 96\]'),
        (_grey, r'expected 3 channels on .*, got float32 `x` \[1, 1, 64, 96\]'),
        (_second_input, r'expected one, a picture, got float32 `x` .*, float32 `depth` \[1, 1\]'),
        (_old, r'expected one operator set of 11 or newer, got \[9\]'),
        (_weights_elsewhere, "expected weights in the folder of the file, got 'w' in '../../etc/p"),
        (_broadcast, r"got 1,600,000,000 in 'c' \[40000, 40000\]"),
    ],
)
def test_what_cannot_be_wrapped(edit: Any, sentence: str, tmp_path: Path) -> None:
    source = edited(tmp_path / 'source.onnx', edit)
    assert fails(source, IMAGENET, sentence).startswith(f'{source}: ')


def test_claims_of_gigabytes(tmp_path: Path) -> None:
    source = LARGE['constant of shape'](tmp_path / 'source.onnx')
    fails(source, IMAGENET, r'got 2\.5e\+10 in .*ConstantOfShape; do not trust this file')
    (tmp_path / 'nothing.onnx').write_bytes(b'nothing')
    fails(tmp_path / 'nothing.onnx', IMAGENET, 'nothing.onnx: expected an ONNX file')


def test_a_network_of_chance_cannot_be_proved(tmp_path: Path) -> None:
    """What labels another time otherwise is refused, and an older file stays."""

    def noise(model: Any) -> None:
        output = model.graph.output[0].name
        model.graph.node[-1].output[0] = 'quiet'
        loud = helper.make_node('RandomNormalLike', ['quiet'], ['noise'], scale=10.0)
        model.graph.node.extend([loud, helper.make_node('Add', ['quiet', 'noise'], [output])])

    source = edited(tmp_path / 'source.onnx', noise)
    target = tmp_path / 'model.onnx'
    target.write_bytes(b'older')
    fails(
        source,
        IMAGENET,
        r'expected the logits of the original network to 0\.0001 of the largest .*, got \d',
    )
    assert target.read_bytes() == b'older'


@pytest.mark.parametrize('name', ['constant of shape', 'tile', 'weight'])
@pytest.mark.parametrize('command', ['info', 'import'])
def test_the_commands_refuse_claims_of_gigabytes_in_one_line(
    name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = LARGE[name](tmp_path / 'source.onnx')
    said = [
        '--output',
        str(tmp_path / 'model.onnx'),
        '--mean',
        '0',
        '0',
        '0',
        '--std',
        '1',
        '1',
        '1',
    ]
    said += ['--channel-order', 'rgb', '--align-corners', 'false', '--architecture', 'any']
    said += ['--trained-on', 'x', '--weights-license', 'x', '--data-license', 'x']
    assert main([command, str(source), *(said if command == 'import' else [])]) == 1
    printed = capsys.readouterr().err
    assert f'{source}: expected tensors of at most 1,073,741,824 elements, got ' in printed
    assert printed.count('\n') == 1
    assert [file.name for file in tmp_path.iterdir()] == ['source.onnx']
