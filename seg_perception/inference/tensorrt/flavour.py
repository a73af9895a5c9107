"""TensorRT or TensorRT for RTX: the same Python API under two names."""

from __future__ import annotations

import importlib
import logging
import platform
import re
from dataclasses import dataclass
from typing import Any

from seg_perception.inference.base import RunnerError
from seg_perception.inference.tensorrt.driver import Gpu, find_gpu
from seg_perception.inference.tensorrt.options import BuildOptions

TENSORRT = 'tensorrt'
TENSORRT_RTX = 'tensorrt_rtx'

_TITLES = {TENSORRT: 'TensorRT', TENSORRT_RTX: 'TensorRT for RTX'}
_INSTALL = {
    TENSORRT: 'on a Jetson it comes with JetPack (a virtual environment needs '
    '--system-site-packages), elsewhere `pip install tensorrt`',
    TENSORRT_RTX: '`pip install tensorrt-rtx-cu13`',
}
# The first with tensor names and uint8 tensors is TensorRT 8.5; 1.0 of RTX came after 10.
_OLDEST = {TENSORRT: (8, 5), TENSORRT_RTX: (1, 0)}
_KEPT = 8


@dataclass(frozen=True)
class Flavour:
    """An imported module of TensorRT's API, `trt`, and the GPU of this machine, if there is one."""

    name: str
    trt: Any
    version: str
    gpu: Gpu | None

    @property
    def title(self) -> str:
        """Name and version for people."""
        return f'{_TITLES[self.name]} {self.version}'

    @property
    def is_rtx(self) -> bool:
        """Whether this is TensorRT for RTX."""
        return self.name == TENSORRT_RTX


def load_flavour(name: str, *, need_gpu: bool = True) -> Flavour:
    """Import the module, but without a GPU only if none is needed.

    :param name: `TENSORRT` or `TENSORRT_RTX`.
    :raises RunnerError: when a driver, a GPU or the module is missing, or the module is too old.
    """
    gpu = find_gpu() if need_gpu else None
    try:
        if name == TENSORRT_RTX:
            module: Any = importlib.import_module('tensorrt_rtx')
        else:
            module = importlib.import_module('tensorrt')
    # A broken installation raises what it likes: OSError for a library, RuntimeError for versions.
    except Exception as error:
        raise RunnerError(
            f'{_TITLES[name]} cannot be imported: {_one_line(error)}; {_INSTALL[name]}'
        ) from error
    version = str(module.__version__)
    if tuple(map(int, re.findall(r'\d+', version)[:2])) < _OLDEST[name]:
        oldest = '.'.join(map(str, _OLDEST[name]))
        raise RunnerError(
            f'expected {_TITLES[name]} {oldest} or newer, got {version}; {_INSTALL[name]}'
        )
    return Flavour(name, module, version, gpu)


def describe_platform(flavour: Flavour, options: BuildOptions) -> dict[str, str]:
    """Return what an engine depends on besides the model file and the options, as text.

    An engine that was built where one of these differs must not be used.
    """
    gpu = None if options.compute_capabilities else flavour.gpu
    here = '' if gpu is None else gpu.compute_capability
    return {
        'runtime': flavour.name,
        'version': flavour.version,
        'machine': platform.machine(),
        'gpu': '' if gpu is None else gpu.name,
        'compute_capability': ' '.join(options.compute_capabilities) or here,
    }


class Log:
    """Passes on what TensorRT says to Python's logging, and keeps the first errors.

    :ivar native: the object that TensorRT takes; it must live as long as what was made with it.
    """

    def __init__(self, trt: Any) -> None:
        self.errors: list[str] = []
        logger = logging.getLogger(f'seg_perception.{trt.__name__}')
        levels = {
            trt.ILogger.INTERNAL_ERROR: logging.ERROR,
            trt.ILogger.ERROR: logging.ERROR,
            trt.ILogger.WARNING: logging.WARNING,
        }
        base: Any = trt.ILogger
        errors = self.errors

        class Native(base):
            def __init__(self) -> None:
                base.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                level = levels.get(severity, logging.DEBUG)
                if level == logging.ERROR:
                    if len(errors) < _KEPT:
                        errors.append(_one_line(message))
                    # Whoever calls tells the error: once, and with what is to be done.
                    level = logging.INFO
                logger.log(level, '%s', message)

        self.native = Native()

    def reason(self) -> str:
        """Return the first error since the last call: those after it are its consequences."""
        first = self.errors[0] if self.errors else 'TensorRT gave no reason'
        self.errors.clear()
        return first


def _one_line(message: object) -> str:
    return ' '.join(str(message).split())
