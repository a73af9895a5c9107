"""Every network's contract file labels as the network in torch does, folded and not.

All of them at full size take an hour of one core: `python3 -m pytest -m slow -s test/models/export`
prints what each gave.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from seg_perception.core.finish import Finisher
from seg_perception.inference.choice import create_runner
from seg_perception.models.export.contract_file import MIN_AGREEMENT, export
from seg_perception.models.networks.architecture import ARCHITECTURES, architecture
from seg_perception.models.networks.build import build
from seg_perception.models.networks.network import Network
from test.models.originals import CLASSES, normalised
from test.models.seeded_weights import seeded_picture, seeded_tensor
from test.tiny_model import tiny_contract

ALL = [name for name, told in ARCHITECTURES.items() if 'pspnet' in told.family]
QUICK = [
    'pspnet_r18_d8',
    'pspnet_r18b_d8_769',
    'pspnet_mv2_d8',
    'pspnet_lite0_d8',
    'smp_pspnet_r18',
]


def network_of(name: str) -> Network:
    with torch.device('meta'):
        network = build(architecture(name), CLASSES)
    tensors = {
        key: torch.from_numpy(seeded_tensor(key, value.shape))
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(tensors, assign=True)
    network.eval()
    return network


def check(name: str, width: int, height: int, folder: Path) -> dict[str, float]:
    """Compare torch with both forms of a file; return the shares of labels that agree."""
    network = network_of(name)
    told = network.architecture
    contract = tiny_contract(
        width=width, height=height, stride=told.stride, align_corners=told.align_corners
    )
    finish = Finisher(CLASSES, contract.logits_size, contract.size, told.align_corners)
    picture = seeded_picture(1, height, width)
    with torch.inference_mode():
        expected = network(normalised(picture, told.mean, told.std))[0].numpy()
    expected_label = finish(expected, want_confidence=False)[0].copy()
    assert len(np.unique(expected_label)) >= 3
    shares, found = {}, {}
    for form, fold in (('folded', True), ('unfolded', False)):
        path = folder / f'{form}.onnx'
        export(network, contract, path, fold=fold)
        with create_runner('onnxruntime', path) as runner:
            found[form] = runner.logits(picture[np.newaxis])[0]
        label = finish(found[form], want_confidence=False)[0]
        shares[form] = float(np.mean(label == expected_label))
        nodes = len(onnx.load(path, load_external_data=False).graph.node)
        error = float(np.abs(found[form] - expected).max() / np.abs(expected).max())
        print(f'{name} {width}x{height} {form}: {nodes} nodes, {shares[form]:.6%}, {error:.1e}')
        path.unlink()
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(found['folded'], found['unfolded'], rtol=0, atol=2e-5 * scale)
    return shares


def check_undivided(name: str, folder: Path) -> None:
    """Check a small size whose features have 23 x 19 places, which no bin divides."""
    stride = architecture(name).backbone_stride
    assert min(check(name, 23 * stride, 19 * stride, folder).values()) >= MIN_AGREEMENT


@pytest.mark.parametrize('name', QUICK)
def test_a_size_that_no_bin_divides(name: str, tmp_path: Path) -> None:
    check_undivided(name, tmp_path)


@pytest.mark.parametrize('name', ['pspnet_lite0_d8', 'pspnet_r50_d32'])
def test_the_usual_size(name: str, tmp_path: Path) -> None:
    assert min(check(name, 1024, 512, tmp_path).values()) >= MIN_AGREEMENT


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize('name', [name for name in ALL if name not in QUICK])
def test_a_size_that_no_bin_divides_of_the_larger(name: str, tmp_path: Path) -> None:
    check_undivided(name, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize('name', ALL)
def test_the_usual_size_of_all(name: str, tmp_path: Path) -> None:
    assert min(check(name, 1024, 512, tmp_path).values()) >= MIN_AGREEMENT
