"""Published recipes by name; what a preset leaves out is as `Recipe` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Zhao et al. 2017, section 5.1, and the settings of the authors' release for Cityscapes.
_PAPER: Mapping[str, Any] = {
    'width': 713,
    'height': 713,
    'iterations': 90_000,
    'batch': 16,
    'optimizer': 'sgd',
    'learning_rate': 0.01,
    'power': 0.9,
    'head_factor': 10.0,
    'weight_decay': 1e-4,
    'clip': 0.0,
    'auxiliary': 0.4,
    'scale': (0.5, 2.0),
    'own_pixels': True,
    'stretch': 1.0,
    'color': 'none',
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    'light': {},
    'paper': _PAPER,
    # OpenMMLab's mmsegmentation 1.2.2, 512x1024 crops; its 40k schedule is `--iterations 40000`.
    'mmseg': {
        **_PAPER,
        'width': 1024,
        'height': 512,
        'iterations': 80_000,
        'batch': 8,
        'lowest_rate': 1e-4,
        'head_factor': 1.0,
        'weight_decay': 5e-4,
        'largest_share': 0.75,
        'color': 'distortion',
    },
    # The PyTorch code of PSPNet's first author.
    'semseg': {**_PAPER, 'epochs': 200, 'rotation': 10.0, 'blur': 0.5},
    # Badrinarayanan et al. 2017, section 3.3: a fixed rate and classes weighed alike; decay and
    # length of the run are of the authors' release. Their contrast normalisation is left out.
    'segnet': {
        'width': 480,
        'height': 360,
        'iterations': 40_000,
        'batch': 12,
        'optimizer': 'sgd',
        'learning_rate': 0.1,
        'power': 0.0,
        'head_factor': 1.0,
        'weight_decay': 5e-4,
        'clip': 0.0,
        'balance': 1.0,
        'scale': (1.0, 1.0),
        'stretch': 1.0,
        'color': 'none',
    },
}
"""`light` is this package's own: whole frames fitted to a small crop, light and colour varied."""


def preset(name: str) -> Mapping[str, Any]:
    """Look up the values of a preset.

    :raises ValueError: when there is none of that name; the message lists the known.
    """
    if name not in PRESETS:
        raise ValueError(f'no preset {name!r}; known are {", ".join(PRESETS)}')
    return PRESETS[name]
