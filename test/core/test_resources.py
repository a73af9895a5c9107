from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from seg_perception import resources


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with an install prefix each for ROS and Python, still empty; no source tree."""
    installed = tmp_path / 'site-packages' / 'seg_perception' / 'resources.py'
    monkeypatch.setattr(resources, '__file__', str(installed))
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'python'))
    prefixes = ['', str(tmp_path / 'other'), str(tmp_path / 'ament')]
    monkeypatch.setenv('AMENT_PREFIX_PATH', os.pathsep.join(prefixes))
    return tmp_path


def install(prefix: Path) -> Path:
    share = prefix / 'share' / 'seg_perception'
    (share / 'config').mkdir(parents=True)
    (share / 'config' / 'segmentation.param.yaml').touch()
    return share


def test_the_source_tree_comes_first() -> None:
    root = Path(resources.__file__).parents[1]
    if not (root / 'config').is_dir():
        pytest.skip('the package that is tested is an installed one')
    assert resources.share_directory() == root
    assert resources.config_file('labels/cityscapes.yaml').is_file()


def test_a_colcon_install_comes_before_a_pip_install(elsewhere: Path) -> None:
    share = install(elsewhere / 'python')
    assert resources.share_directory() == share
    share = install(elsewhere / 'ament')
    assert resources.share_directory() == share


def test_nowhere_lists_where_it_was_looked_for(elsewhere: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match='configuration of seg_perception is miss'
    ) as caught:
        resources.share_directory()
    for prefix in ('other', 'ament', 'python'):
        assert str(elsewhere / prefix / 'share' / 'seg_perception') in str(caught.value)


def test_a_file_that_is_not_there_is_named(elsewhere: Path) -> None:
    share = install(elsewhere / 'ament')
    with pytest.raises(FileNotFoundError, match=r'ships no config/labels/mars\.yaml'):
        resources.config_file('labels/mars.yaml')
    with pytest.raises(
        FileNotFoundError, match=r'ships no config/models/pspnet_lite0_street\.onnx'
    ):
        resources.bundled_model()
    model = share / 'config' / 'models' / 'pspnet_lite0_street.onnx'
    model.parent.mkdir()
    model.touch()
    assert resources.bundled_model() == model
