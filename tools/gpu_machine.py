"""What of the needs of `tools.gpu_check` a machine has."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class SkippedError(Exception):
    """A check cannot be made here; the text says why."""


def missing(backend: str) -> str:
    """Return what this machine lacks for a runtime; empty for nothing."""
    from seg_perception.inference.base import RunnerError
    from seg_perception.inference.choice import create_runner

    try:
        create_runner(backend, 'none.onnx').check_machine()
    except RunnerError as error:
        return str(error)
    return ''


def missing_gpu() -> str:
    """Return why there is no GPU; empty where there is one."""
    from seg_perception.inference.base import RunnerError
    from seg_perception.inference.tensorrt.driver import find_gpu

    try:
        find_gpu()
    except RunnerError as error:
        return str(error)
    return ''


def environment() -> dict[str, str]:
    """Return the environment, with the CUDA libraries that came as Python packages findable."""
    folders = [
        str(folder)
        for entry in sys.path
        if entry
        for folder in sorted(Path(entry).glob('nvidia/*/lib'))
    ]
    known = os.environ.get('LD_LIBRARY_PATH', '')
    return {
        **os.environ,
        'LD_LIBRARY_PATH': os.pathsep.join([*folders, *filter(None, [known])]),
        'PYTHONPATH': os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]),
        'PYTHONUNBUFFERED': '1',
    }


def need(module: str) -> None:
    """Raise SkippedError where a Python package is not there."""
    try:
        found = importlib.util.find_spec(module)
    except ImportError:
        found = None
    if found is None:
        raise SkippedError(f'the Python package {module} is not there')
