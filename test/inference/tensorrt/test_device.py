"""The CUDA layer: without a GPU how its failures are told, on one what it moves and records."""

from __future__ import annotations

import numpy as np
import pytest

from seg_perception.inference.base import RunnerError
from seg_perception.inference.tensorrt.driver import find_gpu

pytest.importorskip('cuda.bindings.runtime', reason='cuda-bindings is not installed')

from seg_perception.inference.tensorrt.device import Buffer, Stream


def has_gpu() -> bool:
    try:
        find_gpu()
    except RunnerError:
        return False
    return True


@pytest.mark.skipif(has_gpu(), reason='this machine has a GPU')
def test_without_a_driver_cuda_gives_its_own_reason() -> None:
    reason = r'{}: CUDA driver version is insufficient .* \(cudaErrorInsufficientDriver\)'
    with pytest.raises(RunnerError, match=reason.format('cudaStreamCreateWithFlags')):
        Stream()
    for shared in (False, True):
        with pytest.raises(RunnerError, match=reason.format('cudaHostAlloc')):
            Buffer((2, 3), np.uint8, shared=shared)


@pytest.mark.skipif(not has_gpu(), reason='needs a GPU')
@pytest.mark.parametrize('graph', [False, True])
def test_what_is_uploaded_comes_back(graph: bool) -> None:
    stream = Stream()
    buffer = Buffer((4, 3), np.uint8, shared=False)
    sent = np.arange(12, dtype=np.uint8).reshape(4, 3)
    buffer.host[:] = sent
    buffer.upload(4, stream)
    stream.wait()
    buffer.host[:] = 0
    if graph:
        recorded = stream.capture(lambda: buffer.download(2, stream))
        stream.wait()
        assert not buffer.host.any()
        recorded.launch(stream)
        stream.wait()
        recorded.close()
    else:
        buffer.download(2, stream)
        stream.wait()
    np.testing.assert_array_equal(buffer.host[:2], sent[:2])
    assert not buffer.host[2:].any()
    buffer.close()
    stream.close()


@pytest.mark.skipif(not has_gpu(), reason='needs a GPU')
def test_a_failed_recording_leaves_the_stream_of_use() -> None:
    stream = Stream()

    def fail() -> None:
        raise SimpleError

    with pytest.raises(SimpleError):
        stream.capture(fail)
    stream.wait()
    stream.close()


class SimpleError(Exception):
    """Of this test."""
