from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seg_perception.models.checkpoints.detect import identify, load_network
from seg_perception.models.checkpoints.read import Checkpoint, CheckpointError
from seg_perception.models.checkpoints.source import Overrides
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build

NAME = 'segnet_small'


@pytest.mark.parametrize('name', [NAME, 'pspnet_lite0_d8'])
def test_a_checkpoint_of_our_training(tmp_path: Path, name: str) -> None:
    trained = build(architecture(name), 11).eval()
    recipe = {'architecture': name, 'label_set': 'camvid'}
    content = {'recipe': recipe, 'iteration': 2, 'network': trained.state_dict(), 'optimizer': {}}
    path = tmp_path / 'last.pt'
    torch.save(content, path)
    network, found = load_network(path)
    assert found.architecture == architecture(name)
    assert found.source == 'seg_perception model train'
    assert found.classes == 11
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network(image), trained(image))


def test_options_may_only_agree() -> None:
    recipe = {'recipe': {'architecture': NAME, 'label_set': 'camvid'}}
    whole = Checkpoint(Path('last.pt'), {'a': torch.zeros(1)}, recipe)
    with pytest.raises(CheckpointError, match='--align-corners true contradicts'):
        identify(whole, Overrides(align_corners=True))
    other = replace(whole, meta={'recipe': {'architecture': 'pspnet_r9'}})
    with pytest.raises(CheckpointError, match="its recipe names no architecture 'pspnet_r9'"):
        identify(other)
