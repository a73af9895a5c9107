"""Where figures were taken: without it they say little."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from seg_perception.inference.base import RunnerError
from seg_perception.inference.tensorrt.driver import find_gpu

_PACKAGES = (
    'numpy',
    'opencv-python-headless',
    'opencv-python',
    'onnxruntime',
    'onnxruntime-gpu',
    'tensorrt',
    'tensorrt-rtx-cu13',
    'torch',
)


def describe_machine() -> dict[str, Any]:
    """Return processor, memory, GPU, versions, commit and load of this machine, for JSON."""
    return {
        'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'system': f'{platform.system()} {platform.machine()}',
        'cpu': _cpu(),
        'cores': len(os.sched_getaffinity(0)),
        'memory_gib': round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30, 1),
        'gpu': _gpu(),
        'load_average': [round(load, 2) for load in os.getloadavg()],
        'python': platform.python_version(),
        'packages': _versions(),
        'commit': _commit(),
    }


def one_line(machine: dict[str, Any]) -> str:
    """Return what of it belongs beside every figure."""
    return (
        f'{machine["cpu"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB; '
        f'GPU: {machine["gpu"]}; load {machine["load_average"][0]} before'
    )


def _cpu() -> str:
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        name, _, value = line.partition(':')
        if name.strip() == 'model name':
            return value.strip()
    return platform.processor() or platform.machine()


def _gpu() -> str:
    try:
        gpu = find_gpu()
    except RunnerError:
        return 'none'
    return f'{gpu.name}, compute capability {gpu.compute_capability}, CUDA {gpu.cuda}'


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """Return the commit of the source tree, with a plus where it was changed; empty if none."""
    try:
        answer = subprocess.run(
            ['git', 'describe', '--always', '--dirty=+'],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ''
    return answer.stdout.strip()
