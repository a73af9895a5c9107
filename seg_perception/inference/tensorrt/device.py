"""Memory, streams and graphs of the GPU, through NVIDIA's own bindings of the CUDA runtime."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from cuda.bindings import runtime as cudart
except ImportError:
    from cuda import cudart  # before cuda-python 12.8

from seg_perception.inference.base import RunnerError


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the CUDA runtime and return its value, if it has one.

    :raises RunnerError: with CUDA's own reason.
    """
    error, *values = function(*arguments)
    if error != cudart.cudaError_t.cudaSuccess:
        reason = cudart.cudaGetErrorString(error)[1]
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise RunnerError(f'CUDA failed: {function.__name__}: {text} ({error.name})')
    return values[0] if values else None


class Stream:
    """A queue of work for the GPU."""

    def __init__(self) -> None:
        self._event: Any = None
        self.handle = call(cudart.cudaStreamCreateWithFlags, cudart.cudaStreamNonBlocking)
        try:
            # A thread that waits sleeps: a spinning one would take a core from the camera.
            flags = cudart.cudaEventBlockingSync | cudart.cudaEventDisableTiming
            self._event = call(cudart.cudaEventCreateWithFlags, flags)
        except RunnerError:
            self.close()
            raise

    def wait(self) -> None:
        """Return when all that is in the queue is done."""
        call(cudart.cudaEventRecord, self._event, self.handle)
        call(cudart.cudaEventSynchronize, self._event)

    def capture(self, work: Callable[[], None]) -> Graph:
        """Return as a graph what `work` puts into the queue; nothing of it runs."""
        mode = cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        call(cudart.cudaStreamBeginCapture, self.handle, mode)
        try:
            work()
        except BaseException:
            # The stream is of no use until its capture has ended.
            with suppress(RunnerError):
                call(cudart.cudaGraphDestroy, call(cudart.cudaStreamEndCapture, self.handle))
            raise
        graph = call(cudart.cudaStreamEndCapture, self.handle)
        try:
            return Graph(call(cudart.cudaGraphInstantiateWithFlags, graph, 0))
        finally:
            call(cudart.cudaGraphDestroy, graph)

    def close(self) -> None:
        """Free the queue; nothing may be in it."""
        with suppress(RunnerError):
            if self._event is not None:
                call(cudart.cudaEventDestroy, self._event)
            call(cudart.cudaStreamDestroy, self.handle)


class Graph:
    """Recorded work that is launched in one call."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def launch(self, stream: Stream) -> None:
        """Put the work into a queue."""
        call(cudart.cudaGraphLaunch, self._handle, stream.handle)

    def close(self) -> None:
        """Free the record."""
        with suppress(RunnerError):
            call(cudart.cudaGraphExecDestroy, self._handle)


class Buffer:
    """An array on the GPU and the same in page-locked memory of the host.

    Where the two share one memory (`shared`, a Jetson), it is one array that both see, and
    `upload` and `download` do nothing.

    :ivar host: the array on the host.
    :ivar address: of the array on the GPU.
    """

    def __init__(self, shape: Sequence[int], dtype: npt.DTypeLike, *, shared: bool) -> None:
        element = np.dtype(dtype)
        size = math.prod(shape) * element.itemsize
        flags = cudart.cudaHostAllocMapped if shared else cudart.cudaHostAllocDefault
        self._shared = shared
        self.address = 0
        self._locked = call(cudart.cudaHostAlloc, size, flags)
        try:
            if shared:
                self.address = int(call(cudart.cudaHostGetDevicePointer, self._locked, 0))
            else:
                self.address = int(call(cudart.cudaMalloc, size))
        except RunnerError:
            self.close()
            raise
        memory = (ctypes.c_uint8 * size).from_address(int(self._locked))
        self.host: npt.NDArray[Any] = np.ctypeslib.as_array(memory).view(element).reshape(shape)

    def upload(self, count: int, stream: Stream) -> None:
        """Queue the copy of the first `count` entries to the GPU."""
        if not self._shared:
            part = self.host[:count]
            to_device = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
            call(
                cudart.cudaMemcpyAsync,
                *(self.address, part.ctypes.data, part.nbytes, to_device, stream.handle),
            )

    def download(self, count: int, stream: Stream) -> None:
        """Queue the copy of the first `count` entries to the host."""
        if not self._shared:
            part = self.host[:count]
            to_host = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
            call(
                cudart.cudaMemcpyAsync,
                *(part.ctypes.data, self.address, part.nbytes, to_host, stream.handle),
            )

    def close(self) -> None:
        """Free the memory; `host` must not be touched any more."""
        with suppress(RunnerError):
            if not self._shared and self.address:
                call(cudart.cudaFree, self.address)
            call(cudart.cudaFreeHost, self._locked)
