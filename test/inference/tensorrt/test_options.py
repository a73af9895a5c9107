from __future__ import annotations

from typing import Any

import pytest

from seg_perception.inference.tensorrt.options import BuildOptions


@pytest.mark.parametrize(
    ('option', 'sentence'),
    [
        ({'batch': 0}, 'batch: expected 1 image or more, got 0'),
        ({'workspace_mib': -1}, r'workspace_mib: expected 0 \(up to TensorRT\) or more, got -1'),
        ({'dla_core': -1}, 'dla_core: expected 0 or more, got -1'),
        ({'compute_capabilities': ('8.6', 'sm89')}, "expected such as '8.6', got 'sm89'"),
    ],
    ids=str,
)
def test_what_is_out_of_range_is_refused(option: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BuildOptions(**option)


def test_every_option_is_in_the_canonical_text() -> None:
    plain = BuildOptions().canonical()
    assert plain == (
        '{"batch":1,"compute_capabilities":[],"dla_core":null,"finish":1,"tf32":false,'
        '"workspace_mib":0}'
    )
    others = [
        BuildOptions(batch=2),
        BuildOptions(tf32=True),
        BuildOptions(workspace_mib=512),
        BuildOptions(dla_core=0),
        BuildOptions(compute_capabilities=('8.6',)),
        BuildOptions(compute_capabilities=('8.6', '8.9')),
    ]
    assert len({plain, *(options.canonical() for options in others)}) == 7
    assert BuildOptions(batch=2).canonical() == others[0].canonical()
