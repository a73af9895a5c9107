"""An engine in the memory of the GPU, ready to run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import INPUT, OUTPUT, ModelContract
from seg_perception.inference.base import CONFIDENCE, FINITE, LABEL, RunnerError
from seg_perception.inference.tensorrt.device import Buffer, Graph, Stream
from seg_perception.inference.tensorrt.flavour import Flavour, Log

_log = logging.getLogger(__name__)


class Engine:
    """Runs images through an engine. Not for several threads at once.

    :param plan: the engine as `build_engine` returns it, of the model of `contract`.
    :ivar batch: images of the largest batch.
    :raises RunnerError: when TensorRT does not take the plan (it is of another version or GPU, or
        damaged), when it is of another model, or when memory is short.
    """

    def __init__(self, flavour: Flavour, plan: bytes, contract: ModelContract) -> None:
        trt = flavour.trt
        self._log = Log(trt)
        self._runtime = trt.Runtime(self._log.native)
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise RunnerError(f'{flavour.title} does not take the engine: {self._log.reason()}')
        self.batch = _check_tensors(engine, contract)
        self._engine = engine
        self._context = engine.create_execution_context()
        if self._context is None:
            raise RunnerError(f'{flavour.title} cannot run the engine: {self._log.reason()}')
        self._graph: Graph | None = None
        self._last: tuple[int, tuple[str, ...]] | None = None
        self._use_graphs = True
        self._buffers: dict[str, Buffer] = {}
        shared = flavour.gpu is not None and flavour.gpu.integrated
        with ExitStack() as cleanup:
            self._stream = Stream()
            cleanup.callback(self._stream.close)
            for number in range(engine.num_io_tensors):
                name = engine.get_tensor_name(number)
                shape = (self.batch, *tuple(engine.get_tensor_shape(name))[1:])
                dtype = np.dtype(trt.nptype(engine.get_tensor_dtype(name)))
                buffer = Buffer(shape, dtype, shared=shared)
                cleanup.callback(buffer.close)
                self._buffers[name] = buffer
                self._context.set_tensor_address(name, buffer.address)
            self._cleanup = cleanup.pop_all()

    def run(
        self, images: npt.NDArray[np.uint8], outputs: Sequence[str]
    ) -> dict[str, npt.NDArray[Any]]:
        """Run at most `batch` images, uint8 [N, H, W, 3], and return the named outputs.

        The arrays are valid until the next call: what is kept must be copied.

        :raises RunnerError: when CUDA or TensorRT fails.
        """
        count, wanted = len(images), tuple(outputs)
        self._buffers[INPUT].host[:count] = images
        again = self._last == (count, wanted)
        if not again:
            self._forget_graph()
            if not self._context.set_input_shape(INPUT, images.shape):
                raise RunnerError(
                    f'TensorRT does not take images of {list(images.shape)}: {self._log.reason()}'
                )
        if again and self._graph is None and self._use_graphs:
            self._record(count, wanted)
        if self._graph is not None:
            self._graph.launch(self._stream)
        else:
            self._enqueue(count, wanted)
        self._stream.wait()
        # TensorRT makes up its mind in the first run of a shape, so a graph is of a later one.
        self._last = (count, wanted)
        return {name: self._buffers[name].host[:count] for name in wanted}

    def close(self) -> None:
        """Free everything; nothing happens the second time."""
        self._forget_graph()
        self._cleanup.close()
        self._buffers.clear()
        # In this order, and before the log they write to.
        self._context = self._engine = self._runtime = None

    def _enqueue(self, count: int, outputs: Sequence[str]) -> None:
        self._buffers[INPUT].upload(count, self._stream)
        if not self._context.execute_async_v3(int(self._stream.handle)):
            raise RunnerError(f'TensorRT failed: {self._log.reason()}')
        for name in outputs:
            self._buffers[name].download(count, self._stream)

    def _record(self, count: int, outputs: Sequence[str]) -> None:
        try:
            self._graph = self._stream.capture(lambda: self._enqueue(count, outputs))
        except RunnerError as error:
            _log.warning('runs without CUDA graphs: %s', error)
            self._use_graphs = False

    def _forget_graph(self) -> None:
        if self._graph is not None:
            self._graph.close()
        self._graph = self._last = None


def _check_tensors(engine: Any, contract: ModelContract) -> int:
    """Check that an engine is of this model with this finish; return its largest batch."""
    columns, rows = contract.logits_size
    width, height = contract.label_size
    expected = {
        INPUT: [contract.height, contract.width, 3],
        OUTPUT: [len(contract.labels), rows, columns],
        LABEL: [height, width],
        CONFIDENCE: [height, width],
        FINITE: [],
    }
    names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
    found = {name: list(engine.get_tensor_shape(name))[1:] for name in names}
    if found != expected:
        raise RunnerError(
            f'engine: expected the tensors {expected}, got {found}; it is of another model: '
            'build it again'
        )
    first = int(engine.get_tensor_shape(INPUT)[0])
    if first > 0:
        return first
    return int(engine.get_tensor_profile_shape(INPUT, 0)[2][0])
