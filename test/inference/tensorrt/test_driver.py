"""The probe of the CUDA driver, on drivers whose answers are known."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from seg_perception.inference.base import RunnerError
from seg_perception.inference.tensorrt.driver import Gpu, find_gpu

# The functions of cuda.h that are asked, with the answers of a Jetson AGX Orin.
ORIN = """
#include <string.h>
int cuInit(unsigned flags) { return %(init)d; }
int cuDeviceGetCount(int *count) { *count = %(count)d; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 40 + ordinal; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
    strncpy(name, device == 40 ? "Orin" : "?", size); return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    if (device != 40) return 101;
    switch (attribute) {
    case 75: *value = 8; return 0;   /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
    case 76: *value = 7; return 0;   /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR */
    case 18: *value = 1; return 0; } /* CU_DEVICE_ATTRIBUTE_INTEGRATED */
    return 1; }
int cuGetErrorString(int error, const char **text) {
    *text = error == 999 ? "unknown error" : 0; return 0; }
"""


def driver(folder: Path, *, init: int = 0, count: int = 1) -> str:
    if shutil.which('gcc') is None:
        pytest.skip('gcc is not installed')
    source, library = folder / 'cuda.c', folder / f'libcuda_{init}_{count}.so'
    source.write_text(ORIN % {'init': init, 'count': count})
    subprocess.run(['gcc', '-shared', '-fPIC', '-o', library, source], check=True)
    return str(library)


def test_a_gpu_is_described(tmp_path: Path) -> None:
    assert find_gpu(driver(tmp_path)) == Gpu(
        name='Orin', compute_capability='8.7', integrated=True, cuda='12.6'
    )


def test_a_machine_without_a_driver() -> None:
    with pytest.raises(RunnerError, match=r'no CUDA driver: libcuda-none\.so: .*; install'):
        find_gpu('libcuda-none.so')


def test_a_driver_that_does_not_work(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r'cuInit: unknown error \(999\); see nvidia-smi'):
        find_gpu(driver(tmp_path, init=999))
    with pytest.raises(RunnerError, match=r'cuInit: unknown \(803\)'):
        find_gpu(driver(tmp_path, init=803))


def test_a_driver_without_gpus(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match='shows no GPU: see CUDA_VISIBLE_DEVICES'):
        find_gpu(driver(tmp_path, count=0))
