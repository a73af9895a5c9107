"""The plain paths compute what the package computes, so that comparing them is fair."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from seg_perception.benchmark.baselines import host
from seg_perception.core.contract import ModelContract
from seg_perception.core.encodings import from_bgr
from seg_perception.core.labels import load_label_set
from seg_perception.inference.base import ModelError
from seg_perception.inference.choice import create_runner, read_contract
from seg_perception.resources import bundled_model
from seg_perception.sim.scene import Scene
from test.tiny_model import tiny_contract, write_tiny_model

pytest.importorskip('torch', reason='torch is not installed')

import torch

from seg_perception.benchmark.baselines.onnxruntime_argmax import OnnxRuntimeArgmax
from seg_perception.benchmark.baselines.torch_eager import TorchEager
from seg_perception.benchmark.baselines.torch_graph import TorchGraph
from seg_perception.models.export.contract_file import export
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build


def street(contract: ModelContract) -> np.ndarray:
    return np.ascontiguousarray(from_bgr(Scene(990_000, *contract.size).frame(1.0).bgr).rgb())


def test_labels_of_the_bundled_model_are_those_of_the_package() -> None:
    path = bundled_model()
    contract = read_contract(path)
    rgb = street(contract)
    with create_runner('onnxruntime', path) as runner:
        expected = runner.infer(rgb[np.newaxis]).label[0]
    for labeller in (
        OnnxRuntimeArgmax(path, contract, device='cpu'),
        TorchEager(path, contract, device='cpu'),
    ):
        label = labeller.label(rgb)
        assert label.dtype == np.uint8
        assert label.shape == expected.shape
        assert np.mean(label == expected) >= 0.9999


@pytest.mark.parametrize('name', ['pspnet_r18_d8', 'pspnet_mv2_d8'])
def test_the_graph_in_torch_gives_the_files_logits(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    kind = architecture(name)
    contract = tiny_contract(stride=kind.stride, align_corners=kind.align_corners)
    path = tmp_path / 'model.onnx'
    export(build(kind, 19).eval(), contract, path)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 128, 3), np.uint8)
    with create_runner('onnxruntime', path) as runner:
        expected = runner.logits(images)
    with torch.inference_mode():
        logits = TorchGraph(path)(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())


def test_a_network_as_published_is_built_from_what_the_file_says() -> None:
    contract = read_contract(bundled_model())
    label = TorchEager(bundled_model(), contract, device='cpu', published=True).label(
        street(contract)
    )
    assert label.shape == contract.label_size[::-1]


def test_an_operator_that_is_not_known_is_named(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', channels_first=True)
    with pytest.raises(ModelError, match=r'expected operators of PSPNets .* got Identity'):
        TorchGraph(path)


@pytest.mark.skipif(torch.cuda.is_available(), reason='this machine has a GPU')
def test_without_a_gpu_the_reason_is_told(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    with pytest.raises(ModelError, match='expected a GPU by CUDA, got none'):
        TorchEager(path, tiny_contract(), device='cuda', half=True)
    with pytest.raises(ModelError, match='an ONNX Runtime with CUDAExecutionProvider'):
        OnnxRuntimeArgmax(path, tiny_contract(), device='cuda')


@pytest.mark.parametrize(
    ('encoding', 'pixel'),
    [('rgb8', (1, 2, 3)), ('bgr8', (3, 2, 1)), ('rgba8', (1, 2, 3, 9)), ('bgra8', (3, 2, 1, 9))],
)
def test_every_encoding_becomes_rgb_at_the_networks_size(
    encoding: str, pixel: tuple[int, ...]
) -> None:
    image = np.full((8, 16, len(pixel)), pixel, np.uint8)
    rgb = host.prepare(image, encoding, (4, 2))
    assert rgb.shape == (2, 4, 3)
    assert (rgb == (1, 2, 3)).all()


def test_masks_are_groups_of_the_label_at_the_cameras_size() -> None:
    labels = load_label_set()
    road, car, sky = (labels.train_id(name) for name in ('road', 'car', 'sky'))
    label = np.array([[road, car], [sky, 255]], np.uint8)
    groups = [labels.group_table(name) for name in ('drivable', 'obstacle')]
    outputs = host.masks(label, (4, 2), *groups)
    large = cv2.resize(label, (4, 2), interpolation=cv2.INTER_NEAREST_EXACT)
    np.testing.assert_array_equal(outputs.label, large)
    np.testing.assert_array_equal(outputs.drivable, np.where(large == road, 255, 0))
    np.testing.assert_array_equal(outputs.obstacle, np.where(large == car, 255, 0))
