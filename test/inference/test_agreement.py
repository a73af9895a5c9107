from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from seg_perception.inference.agreement import FRAMES, Sample, Samples, check_agreement
from seg_perception.inference.base import RunnerError
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from test.inference.runner_contract import pictures
from test.tiny_model import tiny_contract, write_tiny_model


def test_copies_of_the_last_frames_some_time_apart_are_kept() -> None:
    now = 0.0
    samples = Samples(clock=lambda: now)
    for number in range(40):
        now = number * 0.25
        images = np.full((1, 4, 4, 3), number, np.uint8)
        label = np.full((1, 4, 4), number, np.uint8)
        samples.offer(images, label)
        images[:], label[:] = 0, 0
    kept = samples.wait()
    assert [int(sample.images.max()) for sample in kept] == [32, 34, 36, 38]
    assert [int(sample.label.min()) for sample in kept] == [32, 34, 36, 38]


def test_waiting_ends_with_enough_frames_or_when_closed() -> None:
    now = 0.0
    samples = Samples(clock=lambda: now)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(len(samples.wait())))
    waiting.start()
    for number in range(FRAMES):
        assert not got
        now = float(number)
        samples.offer(np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4), np.uint8))
    waiting.join()
    assert got == [FRAMES]
    closed = Samples()
    waiting = threading.Thread(target=lambda: got.append(len(closed.wait())))
    waiting.start()
    closed.close()
    waiting.join()
    assert got == [FRAMES, 0]


def test_agreement_is_the_share_of_equal_labels(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx')
    images = [pictures(tiny_contract(), 1, seed=number) for number in range(2)]
    with OnnxRuntimeRunner(path) as runner:
        label = [runner.infer(image).label for image in images]
        label[1][:, :, :32] ^= 128  # a quarter of one of two
        samples = [Sample(*pair) for pair in zip(images, label, strict=True)]
        assert check_agreement(runner, samples[:1], 1.0) == 1.0
        assert check_agreement(runner, samples, 0.875) == 0.875
        with pytest.raises(RunnerError, match=r'on at least 88 % of the pixels of 2 .* 87\.50 %'):
            check_agreement(runner, samples, 0.88)


def test_numbers_that_are_not_finite_are_no_agreement(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / 'model.onnx', offset=float('nan'))
    images = pictures(tiny_contract(), 1)
    sample = Sample(images, np.zeros((1, 64, 128), np.uint8))
    with OnnxRuntimeRunner(path) as runner, pytest.raises(RunnerError, match='finite numbers'):
        check_agreement(runner, [sample], 0.0)
