"""The catalogue against what was published, and against the networks themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor, nn

from seg_perception.models.catalogue.catalogue import (
    CatalogueError,
    Entry,
    bundled_entry,
    entry_of_sha256,
    find,
    load_catalogue,
    locate,
)
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build
from seg_perception.resources import bundled_model, config_file

ENTRIES = load_catalogue()
# mIoU and mIoU with scales and flip of mmsegmentation 1.2.2, by its own names, from its tables.
PUBLISHED = {
    'mobilenet-v2-d8_pspnet_4xb2-80k_cityscapes-512x1024': (70.23, None),
    'pspnet_r18-d8_4xb2-80k_cityscapes-512x1024': (74.87, 76.04),
    'pspnet_r18-d8_4xb2-80k_cityscapes-769x769': (75.90, 77.86),
    'pspnet_r50-d8_4xb2-80k_cityscapes-512x1024': (78.55, 79.79),
    'pspnet_r50-d32_4xb2-80k_cityscapes-512x1024': (73.88, 76.85),
    'pspnet_r101-d8_4xb2-amp-80k_cityscapes-512x1024': (79.46, None),
    'pspnet_r101b-d8_4xb2-80k_cityscapes-769x769': (78.87, 80.04),
}


def test_all_rows_are_there_once() -> None:
    assert len(ENTRIES) == 22
    for names in (
        {e.name for e in ENTRIES},
        {e.url for e in ENTRIES},
        {e.sha256_prefix for e in ENTRIES},
        {e.config for e in ENTRIES},
    ):
        assert len(names) == 22


def test_figures_are_the_published_ones() -> None:
    found = {e.config: (e.miou, e.miou_flip) for e in ENTRIES if e.config in PUBLISHED}
    assert found == PUBLISHED


@pytest.mark.parametrize('entry', ENTRIES, ids=lambda entry: entry.name)
def test_name_path_and_architecture_agree(entry: Entry) -> None:
    """What is said twice, as source and we name files and models each our own way."""
    match = re.fullmatch(
        r'(pspnet_(?:mv2|r\d+b?)_d(8|32))_(?:rsb_|fp16_)?(\d+)x(\d+)_(\d+)k', entry.name
    )
    assert match is not None
    net, stride, height, width, thousands = match.groups()
    assert entry.crop == (int(height), int(width))
    assert entry.iterations == 1000 * int(thousands)
    assert entry.path.endswith(f'-{entry.sha256_prefix}.pth')
    assert f'{height}x{width}' in entry.file_name
    assert f'{thousands}k_cityscapes' in entry.file_name
    large = height == '769'
    assert entry.architecture == net + '_769' * large
    assert entry.measured_on == 'Cityscapes val' + ', sliding' * large
    net_of_file = architecture(entry.architecture)
    assert net_of_file.dilation == ('first' if 'mv2' in net else 'contracted')
    assert net_of_file.backbone_stride == int(stride)
    assert net_of_file.align_corners == large


def multiply_adds(net: nn.Module) -> int:
    """Count those of all convolutions for an image of 1024x512."""
    total = 0

    def count(layer: nn.Conv2d, _: object, output: Tensor) -> None:
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    net.eval()(torch.empty(1, 3, 512, 1024))
    return total


@pytest.mark.parametrize(
    'entry',
    [*{e.architecture.removesuffix('_769'): e for e in ENTRIES}.values(), bundled_entry()],
    ids=lambda entry: entry.architecture,
)
def test_cost_and_size_are_those_of_the_network(entry: Entry) -> None:
    with torch.device('meta'):
        net = build(architecture(entry.architecture), 19)
        assert entry.gmacs == pytest.approx(multiply_adds(net) / 1e9, abs=0.06)
    if entry.path:
        tensors = net.state_dict().values()
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        assert entry.size_mb == pytest.approx(size / 1e6, abs=0.5)


def test_the_bundled_model_tells_of_itself() -> None:
    entry = bundled_entry()
    assert entry.name == bundled_model().stem
    assert (entry.url, entry.file_name, entry.sha256_prefix) == ('', '', '')
    assert entry.miou is not None
    assert 50 < entry.miou < 100
    assert 'CamVid' in entry.measured_on
    assert entry.file_in(Path('/anywhere')) == bundled_model()


def test_names_are_found_and_near_ones_told() -> None:
    assert find('pspnet_r18_d8_512x1024_80k').sha256_prefix == '09ffa746'
    with pytest.raises(
        CatalogueError, match='expected pspnet_r18_d8_512x1024_80k or pspnet_r18_d8'
    ):
        find('pspnet_r18_d8')
    with pytest.raises(CatalogueError, match=r'expected .*pspnet_r50_d8_512x1024_80k'):
        find('pspnet_r50_d8_512x1024_8k')
    with pytest.raises(CatalogueError, match='expected one of `model list`'):
        find('deeplab')


def test_a_published_file_is_known_by_its_hash() -> None:
    for entry in ENTRIES:
        assert entry_of_sha256(entry.sha256_prefix + '0' * 56) == entry
    assert entry_of_sha256('0' * 64) is None


def test_locate_takes_paths_and_names(tmp_path: Path) -> None:
    entry = ENTRIES[0]
    assert locate(str(tmp_path)) == tmp_path
    with pytest.raises(CatalogueError, match=f'run .* model fetch {entry.name}`'):
        locate(entry.name, tmp_path)
    file = tmp_path / 'models' / entry.file_name
    file.parent.mkdir()
    file.touch()
    assert locate(entry.name, tmp_path) == file
    with pytest.raises(CatalogueError, match=r'no model .*missing\.pth'):
        locate(str(tmp_path / 'missing.pth'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'path': 'a/b.pth'}, 'expected a name ending in -<8 hex digits>'),
        ({'architecture': 'lenet'}, "got 'lenet'"),
        ({'source': 'nobody'}, "KeyError.*'nobody'"),
        ({'test': 'other'}, "KeyError.*'other'"),
        ({'crop': [1]}, 'ValueError'),
        ({'colour': 'red'}, 'colour'),
    ],
)
def test_a_damaged_entry_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    data = yaml.safe_load(config_file('catalogue.yaml').read_text())
    data['models'][ENTRIES[5].name].update(change)
    file = tmp_path / 'catalogue.yaml'
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(CatalogueError, match=f'{ENTRIES[5].name}: .*{message}'):
        load_catalogue(file)


@pytest.mark.parametrize('text', ['', 'sources: 3', '[', 'models: {}'])
def test_another_file_is_no_catalogue(tmp_path: Path, text: str) -> None:
    file = tmp_path / 'catalogue.yaml'
    file.write_text(text)
    with pytest.raises(CatalogueError, match=r'catalogue\.yaml: '):
        load_catalogue(file)
