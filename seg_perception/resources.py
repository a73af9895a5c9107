"""Where the package's own files lie: in a source tree, a colcon install or a pip install."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = 'seg_perception'
BUNDLED_MODEL = 'pspnet_lite0_street.onnx'


def share_directory() -> Path:
    """Return the folder that holds `config/` and `launch/`.

    Looked for beside this source tree, then in each prefix of `AMENT_PREFIX_PATH` (a colcon
    install), then in this Python's prefix (a pip install).

    :raises FileNotFoundError: when none of them has it; the message lists where it was looked for.
    """
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    candidates = [
        Path(__file__).resolve().parents[1],
        *(prefix / 'share' / PACKAGE for prefix in [*prefixes, Path(sys.prefix)]),
    ]
    for candidate in candidates:
        if (candidate / 'config' / 'segmentation.param.yaml').is_file():
            return candidate
    looked = ', '.join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(
        f'the configuration of {PACKAGE} is missing: looked in {looked}; '
        'build the package (make build) or source the workspace it was built in'
    )


def config_file(name: str) -> Path:
    """Return the path of `config/<name>`.

    :raises FileNotFoundError: when the package ships no such file.
    """
    path = share_directory() / 'config' / name
    if not path.exists():
        raise FileNotFoundError(f'{PACKAGE} ships no config/{name} (looked for {path})')
    return path


def message_file(name: str) -> Path:
    """Return the path of `msg/<name>.msg`, the definition of one of the package's own messages.

    :raises FileNotFoundError: when the package was installed without it.
    """
    path = share_directory() / 'msg' / f'{name}.msg'
    if not path.exists():
        raise FileNotFoundError(f'{PACKAGE} ships no msg/{name}.msg (looked for {path})')
    return path


def bundled_model() -> Path:
    """Return the path of the model that is used where none is named.

    :raises FileNotFoundError: when the package was installed without it.
    """
    return config_file(f'models/{BUNDLED_MODEL}')
