"""The CUDA driver and its first GPU, asked before TensorRT is: some of its versions crash without.

Through ctypes, so that a machine without a GPU needs nothing installed to be told so.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from seg_perception.inference.base import RunnerError

_LIBRARY = 'libcuda.so.1'
# Of CUdevice_attribute in cuda.h.
_MAJOR, _MINOR, _INTEGRATED = 75, 76, 18


@dataclass(frozen=True)
class Gpu:
    """The GPU that inference runs on: the first that CUDA shows (CUDA_VISIBLE_DEVICES chooses).

    :ivar compute_capability: such as '8.7'.
    :ivar integrated: whether it shares the host's memory, as a Jetson's does.
    :ivar cuda: the newest CUDA that the driver serves, such as '12.6'.
    """

    name: str
    compute_capability: str
    integrated: bool
    cuda: str


def find_gpu(library: str = _LIBRARY) -> Gpu:
    """Return the GPU.

    :raises RunnerError: when there is no CUDA driver or it shows no GPU.
    """
    try:
        cuda: Any = ctypes.CDLL(library)
    except OSError as error:
        raise RunnerError(
            f'no CUDA driver: {error}; install the driver of the GPU, or in a container start it '
            'with the NVIDIA runtime'
        ) from error
    _check(cuda, cuda.cuInit(0), 'cuInit')
    count, device, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    _check(cuda, cuda.cuDeviceGetCount(ctypes.byref(count)), 'cuDeviceGetCount')
    if count.value == 0:
        raise RunnerError('the CUDA driver shows no GPU: see CUDA_VISIBLE_DEVICES and nvidia-smi')
    _check(cuda, cuda.cuDeviceGet(ctypes.byref(device), 0), 'cuDeviceGet')
    name = ctypes.create_string_buffer(256)
    _check(cuda, cuda.cuDeviceGetName(name, len(name), device), 'cuDeviceGetName')
    _check(cuda, cuda.cuDriverGetVersion(ctypes.byref(version)), 'cuDriverGetVersion')
    major, minor, integrated = (
        _attribute(cuda, device, number) for number in (_MAJOR, _MINOR, _INTEGRATED)
    )
    return Gpu(
        name=name.value.decode(errors='replace'),
        compute_capability=f'{major}.{minor}',
        integrated=bool(integrated),
        cuda=f'{version.value // 1000}.{version.value % 1000 // 10}',
    )


def _attribute(cuda: Any, device: ctypes.c_int, number: int) -> int:
    value = ctypes.c_int()
    result = cuda.cuDeviceGetAttribute(ctypes.byref(value), number, device)
    _check(cuda, result, 'cuDeviceGetAttribute')
    return value.value


def _check(cuda: Any, result: int, call: str) -> None:
    if result:
        text = ctypes.c_char_p()
        cuda.cuGetErrorString(result, ctypes.byref(text))
        reason = (text.value or b'unknown').decode()
        raise RunnerError(
            f'the CUDA driver does not work: {call}: {reason} ({result}); see nvidia-smi, and '
            'restart the machine when the driver was updated'
        )
