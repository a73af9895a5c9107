from __future__ import annotations

import pytest

from seg_perception.models.checkpoints.config_text import lookup, parse_config


def test_values_are_read() -> None:
    config = parse_config(
        "norm = dict(type='BN', requires_grad=True)\n"
        'model = dict(\n    backbone=dict(strides=(1, 2, 1, 1), depth=50),\n'
        "    head={'scales': [1, 2.5, -3]},\n    pretrained=None)\n"
        'crop, unused = 1, 2\n'
        'import os\n'
    )
    assert lookup(config, 'model', 'backbone', 'strides') == (1, 2, 1, 1)
    assert lookup(config, 'model', 'head', 'scales') == [1, 2.5, -3]
    assert lookup(config, 'norm') == {'type': 'BN', 'requires_grad': True}
    assert lookup(config, 'model', 'pretrained') is None
    assert lookup(config, 'model', 'neck', 'type') is None
    assert lookup(config, 'norm', 'type', 'length') is None


def test_nothing_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    config = parse_config(
        "a = print('ran')\nb = [exit(), 1]\nc = dict(d=open('x'), **a)\ne = a + 1"
    )
    assert config == {'a': None, 'b': [None, 1], 'c': {'d': None}, 'e': None}
    assert not capsys.readouterr().out


@pytest.mark.parametrize('text', ['model = dict(', 'a = ' + '(' * 5000, 'a = 1\n' * 200_000])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(ValueError, match='expected'):
        parse_config(text)
