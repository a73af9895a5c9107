"""Foreign networks: wrapped they label as before, or they are refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional as F

from seg_perception.core.finish import Finisher
from seg_perception.core.labels import load_label_set
from seg_perception.inference.base import ModelError
from seg_perception.inference.choice import create_runner, read_contract
from seg_perception.models.cli import main
from seg_perception.models.export.foreign import About, Preparation, wrap
from test.inference.hostile import LARGE, elsewhere

LABELS = load_label_set('camvid')
CLASSES = len(LABELS.labels)
ABOUT = About('net', 'three convolutions', 'noise', 'none', 'none')
IMAGENET = Preparation(
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
    channel_order='rgb',
    align_corners=False,
)


class Net(nn.Module):
    """A small network of a stride, with what exporters trip over: norm, pooling, a resize."""

    def __init__(self, stride: int = 8, *, align_corners: bool = False) -> None:
        super().__init__()
        torch.manual_seed(stride)
        self.stride, self.align_corners = stride, align_corners
        self.first = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 16, 3, stride=4, padding=1)
        self.last = nn.Conv2d(32, CLASSES, 1)
        nn.init.normal_(self.last.weight)

    def features(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.first(x)))
        x = F.relu(self.second(x))
        pooled = x.mean(dim=(2, 3), keepdim=True).expand_as(x)
        return torch.cat([x, pooled], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(self.features(x))
        if self.stride == 8:
            return logits
        factor = 8 // self.stride
        return F.interpolate(
            logits, scale_factor=factor, mode='bilinear', align_corners=self.align_corners
        )


class Labels(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).argmax(dim=1)


class Probabilities(Net):
    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(self.features(x))
        shares = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
        return shares if self.stride == 8 else F.interpolate(logits.softmax(dim=1), scale_factor=2)


class Several(Net):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x), self.features(x)


class FixedBatch(Net):
    """As exporters write it that put the example's batch into the graph."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return logits.reshape(1, CLASSES, 8, 12)


class ChannelsLast(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def export(
    path: Path,
    network: nn.Module,
    *,
    dynamic: bool = False,
    example: Tensor | None = None,
    opset: int = 17,
) -> Path:
    example = torch.zeros(1, 3, 64, 96) if example is None else example
    axes = {0: 'batch', 2: 'height', 3: 'width'} if dynamic else {}
    torch.onnx.export(
        network.eval(),
        (example,),
        str(path),
        dynamo=False,
        input_names=['x'],
        dynamic_axes={'x': axes},
        opset_version=opset,
    )
    return path


def torch_label(network: Net, image: np.ndarray, preparation: Preparation) -> np.ndarray:
    """Return the label of an RGB image [H, W, 3] by torch and the package's own finish."""
    values = image[..., ::-1] if preparation.channel_order == 'bgr' else image
    x = (values - np.array(preparation.mean)) / preparation.std
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(x.transpose(2, 0, 1)[None].astype(np.float32)))[0]
    size = (image.shape[1], image.shape[0])
    finish = Finisher(CLASSES, logits.shape[:0:-1], size, preparation.align_corners)
    return finish(logits.numpy(), want_confidence=False)[0]


@pytest.mark.parametrize(
    ('stride', 'order', 'align_corners', 'dynamic'),
    [
        (8, 'rgb', False, False),
        (8, 'bgr', True, True),
        (4, 'bgr', False, True),
        (4, 'rgb', True, False),
        (1, 'rgb', True, True),
        (1, 'bgr', False, False),
    ],
)
def test_labels_are_those_of_torch(
    stride: int, order: str, align_corners: bool, dynamic: bool, tmp_path: Path
) -> None:
    network = Net(stride, align_corners=align_corners)
    source = export(tmp_path / 'source.onnx', network, dynamic=dynamic)
    how = replace(IMAGENET, channel_order=order, align_corners=align_corners)
    if dynamic:
        how = replace(how, width=96, height=64)
    written, proof = wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)
    assert read_contract(tmp_path / 'model.onnx') == written
    assert proof.same_labels == 1
    assert proof.deviation < 1e-6
    assert (written.width, written.height, written.stride) == (96, 64, stride)
    assert (written.batch, written.align_corners) == (None, align_corners)
    assert (written.label_set, written.labels) == ('camvid', LABELS.labels)
    assert len(written.source_sha256) == 64
    images = np.random.default_rng(5).integers(0, 256, (2, 64, 96, 3), np.uint8)
    with create_runner('onnxruntime', tmp_path / 'model.onnx') as runner:
        found = runner.infer(images).label
    expected = np.stack([torch_label(network, image, how) for image in images])
    assert len(np.unique(expected)) > 3
    assert np.mean(found == expected) >= 0.9999
    assert sorted(file.name for file in tmp_path.iterdir()) == ['model.onnx', 'source.onnx']


def test_the_graph_is_plain(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', Net(), dynamic=True)
    how = replace(IMAGENET, width=96, height=64, channel_order='bgr')
    wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)
    model = onnx.load(str(tmp_path / 'model.onnx'))
    onnx.checker.check_model(model, full_check=True)
    operators = [node.op_type for node in model.graph.node]
    assert operators[:5] == ['Cast', 'Transpose', 'Gather', 'Sub', 'Div']
    assert [entry.domain for entry in model.opset_import] == ['']
    assert 'BatchNormalization' not in operators


def test_another_order_of_channels_is_another_network(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', Net())
    images = np.random.default_rng(5).integers(0, 256, (1, 64, 96, 3), np.uint8)
    labels = {}
    for order in ('rgb', 'bgr'):
        how = replace(IMAGENET, channel_order=order)
        wrap(source, tmp_path / 'model.onnx', how, LABELS, ABOUT)
        with create_runner('onnxruntime', tmp_path / 'model.onnx') as runner:
            labels[order] = runner.infer(images).label
            mirrored = runner.infer(np.ascontiguousarray(images[..., ::-1])).label
    assert np.mean(labels['rgb'] == labels['bgr']) < 0.99
    # The statistics stay with the network's channels: only the picture is turned round.
    np.testing.assert_array_equal(mirrored, labels['rgb'])


def test_a_batch_in_the_graph_is_kept(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', FixedBatch())
    assert wrap(source, tmp_path / 'model.onnx', IMAGENET, LABELS, ABOUT)[0].batch == 1
    assert read_contract(tmp_path / 'model.onnx').batch == 1


def test_channels_last(tmp_path: Path) -> None:
    example = torch.zeros(1, 64, 96, 3)
    source = export(tmp_path / 'source.onnx', ChannelsLast(), example=example)
    written, _ = wrap(source, tmp_path / 'model.onnx', IMAGENET, LABELS, ABOUT)
    assert (written.width, written.height, written.stride) == (96, 64, 8)
    image = np.random.default_rng(5).integers(0, 256, (64, 96, 3), np.uint8)
    with create_runner('onnxruntime', tmp_path / 'model.onnx') as runner:
        found = runner.infer(image[None]).label[0]
    assert np.mean(found == torch_label(Net(), image, IMAGENET)) >= 0.9999


def test_half_precision(tmp_path: Path) -> None:
    source = export(
        tmp_path / 'source.onnx', Net().half(), example=torch.zeros(1, 3, 64, 96).half()
    )
    wrap(source, tmp_path / 'model.onnx', IMAGENET, LABELS, ABOUT)
    image = np.random.default_rng(5).integers(0, 256, (64, 96, 3), np.uint8)
    with create_runner('onnxruntime', tmp_path / 'model.onnx') as runner:
        found = runner.infer(image[None]).label[0]
    assert np.mean(found == torch_label(Net(), image, IMAGENET)) > 0.95


def test_weights_beside_the_file(tmp_path: Path) -> None:
    source = export(tmp_path / 'source.onnx', Net())
    model = onnx.load(str(source))
    onnx.save_model(model, str(source), save_as_external_data=True, location='w', size_threshold=0)
    assert (tmp_path / 'w').stat().st_size > 10_000
    wrap(source, tmp_path / 'model.onnx', IMAGENET, LABELS, ABOUT)
    (tmp_path / 'w').unlink()
    read_contract(tmp_path / 'model.onnx')


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
