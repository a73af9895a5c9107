"""Export: the file keeps the contract, does what the network does, and is made for TensorRT too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from seg_perception.core.contract import Accuracy, ModelContract
from seg_perception.inference.choice import create_runner, read_contract
from seg_perception.models.export.contract_file import MIN_AGREEMENT, agreement, annotate, export
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build, load_imagenet
from seg_perception.models.networks.network import Network
from test.tiny_model import tiny_contract


def network_of(name: str) -> Network:
    """Return a network with a random head, spread enough for labels that are no coin toss."""
    torch.manual_seed(1)
    network = build(architecture(name), 19)
    if name == 'pspnet_lite0_d8':
        load_imagenet(network)
    torch.nn.init.normal_(network.get_parameter('classifier.weight'), std=1.0)
    network.eval()
    return network


def contract_of(network: Network, width: int, height: int) -> ModelContract:
    return tiny_contract(width=width, height=height, stride=network.architecture.stride)


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    network = network_of('pspnet_lite0_d8')
    path = tmp_path_factory.mktemp('export') / 'lite0.onnx'
    export(network, contract_of(network, 256, 144), path)
    return network, path


def pictures(count: int) -> list[np.ndarray]:
    """Return smooth made-up pictures: noise alone would excite nothing in a trained backbone."""
    random = np.random.default_rng(2)
    noise = random.integers(0, 255, (count, 12, 20, 3), np.uint8)
    return [np.asarray(cv2.resize(image, (320, 180), interpolation=2)) for image in noise]


@pytest.mark.parametrize('name', ['pspnet_r18_d8', 'pspnet_lite0_d8'])
def test_torch_and_file_label_alike(name: str, tmp_path: Path) -> None:
    network = network_of(name)
    path = tmp_path / f'{name}.onnx'
    # 104 / 8 = 13 and 72 / 8 = 9: no bin but 1 and 3 divides them.
    export(network, contract_of(network, 104, 72), path)
    assert agreement(network, path, pictures(3)) >= MIN_AGREEMENT


def test_torch_and_file_label_real_frames_alike(
    exported: tuple[Network, Path], camvid: Path
) -> None:
    files = sorted((camvid / 'leftImg8bit' / 'val').glob('*/*.jpg'))[::20]
    assert len(files) >= 5
    frames = (np.asarray(cv2.imread(str(file))) for file in files)
    assert agreement(*exported, frames) >= MIN_AGREEMENT


def test_a_wrong_file_does_not_agree(exported: tuple[Network, Path]) -> None:
    """The check can fail: against another head most labels differ."""
    _, path = exported
    other = network_of('pspnet_lite0_d8')
    torch.nn.init.normal_(other.get_parameter('classifier.weight'), std=1.0)
    assert agreement(other, path, pictures(2)) < 0.5


def test_no_pictures_is_no_agreement(exported: tuple[Network, Path]) -> None:
    with pytest.raises(ValueError, match='expected pictures to compare on, got none'):
        agreement(*exported, [])


def test_the_file_describes_itself(exported: tuple[Network, Path]) -> None:
    network, path = exported
    contract = read_contract(path)
    assert contract == contract_of(network, 256, 144)
    assert (contract.width, contract.height, contract.stride) == (256, 144, 4)
    assert contract.batch is None


def test_the_graph_is_plain(exported: tuple[Network, Path]) -> None:
    """Cast first (TensorRT's rule for uint8), standard operators, no shape arithmetic."""
    model = onnx.load(str(exported[1]))
    operators = [node.op_type for node in model.graph.node]
    assert operators[0] == 'Cast'
    assert model.graph.node[0].input[0] == 'image'
    assert [entry.domain for entry in model.opset_import] == ['']
    assert not {'Shape', 'Slice', 'Reshape', 'Gather', 'Resize', 'AveragePool'} & set(operators)
    assert 'BatchNormalization' not in operators


@pytest.mark.parametrize(('fold', 'inputs'), [(True, 112), (False, 112 + 4 * 32)])
def test_folded_the_fuse_convolution_sees_the_features_alone(
    fold: bool, inputs: int, tmp_path: Path
) -> None:
    network = network_of('pspnet_lite0_d8')
    export(network, contract_of(network, 96, 64), tmp_path / 'x.onnx', fold=fold)
    model = onnx.load(str(tmp_path / 'x.onnx'))
    shapes = {tuple(weight.dims) for weight in model.graph.initializer}
    assert {shape[1] for shape in shapes if shape[:1] == (128,) and shape[2:] == (3, 3)} == {inputs}


def test_exported_a_network_still_takes_any_size(exported: tuple[Network, Path]) -> None:
    network, _ = exported
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 96)).shape[2:] == (16, 24)


def test_any_number_of_images(exported: tuple[Network, Path]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 144, 256, 3), np.uint8)
    with create_runner('onnxruntime', exported[1]) as runner:
        together = runner.infer(images).label
        single = [runner.infer(image[None]).label[0] for image in images]
    assert np.mean(together == np.stack(single)) >= MIN_AGREEMENT


def test_annotate_changes_words_alone(exported: tuple[Network, Path], tmp_path: Path) -> None:
    copy = tmp_path / 'copy.onnx'
    copy.write_bytes(exported[1].read_bytes())
    measured = Accuracy(miou=0.5, dataset='somewhere', command='model evaluate')
    annotate(copy, replace(read_contract(copy), accuracy=(measured,)))
    assert read_contract(copy).accuracy == (measured,)
    before, after = onnx.load(str(exported[1])), onnx.load(str(copy))
    assert before.graph == after.graph
    assert [file.name for file in tmp_path.iterdir()] == ['copy.onnx']


def test_a_size_off_the_stride_is_refused(tmp_path: Path) -> None:
    network = network_of('pspnet_lite0_d8')
    with pytest.raises(ValueError, match='multiple of 8, got 100x72'):
        export(network, contract_of(network, 100, 72), tmp_path / 'x.onnx')
    assert list(tmp_path.iterdir()) == []
