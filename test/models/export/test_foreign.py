"""Foreign networks label as before when they are wrapped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from seg_perception.inference.choice import create_runner, read_contract
from seg_perception.models.export.foreign import wrap
from test.models.export.foreign_networks import (
    ABOUT,
    IMAGENET,
    LABELS,
    ChannelsLast,
    FixedBatch,
    Net,
    export,
    torch_label,
)


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
