"""Changing the runtime under load. The second runtime is ONNX Runtime, too, but ready late."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.inference.auto import AutoRunner
from seg_perception.inference.base import ModelError, Progress, Runner, RunnerError, Status
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from test.inference.late_runner import LateRunner
from test.inference.processes import children_of
from test.inference.runner_contract import RunnerContract, pictures
from test.tiny_model import tiny_contract, write_tiny_model

RATE_HZ = 30
PATIENCE_S = 60.0


def auto(path: Path, others: dict[str, Any] | None = None, **options: Any) -> AutoRunner:
    return AutoRunner(
        path,
        first=lambda: OnnxRuntimeRunner(path, threads=1),
        others=others or {},
        **options,
    )


class TestAutoRunner(RunnerContract):
    def make_runner(self, path: Path) -> AutoRunner:
        return auto(path)


class Late:
    """Makes late runners and remembers them."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.model, self.cache = model, folder / 'engines'
        self.made: list[LateRunner] = []

    def __call__(self, engine: Path | None = None, **options: Any) -> Callable[..., Runner]:
        def make(progress: Progress, cancelled: threading.Event) -> Runner:
            runner = LateRunner(
                self.model, engine or self.model, progress, cancelled, cache=self.cache, **options
            )
            self.made.append(runner)
            return runner

        return make


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'model.onnx')


@pytest.fixture
def late(model: Path, tmp_path: Path) -> Late:
    return Late(model, tmp_path)


def frame(number: int) -> npt.NDArray[np.uint8]:
    """Return a picture of one class's colour: its label is known."""
    color = tiny_contract().labels[number % 19].color
    return np.ascontiguousarray(np.broadcast_to(np.array(color, np.uint8), (1, 64, 128, 3)))


def frames_until(runner: Runner, done: Callable[[Status], object]) -> Iterator[int]:
    """Yield numbers of frames until the runner's status is as wanted."""
    end = time.monotonic() + PATIENCE_S
    number = 0
    while not done(runner.status):
        assert time.monotonic() < end, runner.status
        yield number
        number += 1
        time.sleep(0.001)


def serve_until(runner: Runner, done: Callable[[Status], object]) -> None:
    for number in frames_until(runner, done):
        assert (runner.infer(frame(number)).label == number % 19).all()


def test_frames_at_30_hz_survive_the_change_once_each_and_in_order(
    late: Late, tmp_path: Path
) -> None:
    engine = write_tiny_model(tmp_path / 'engine.onnx', sharpness=0.01)
    arrived: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    told: list[str] = []
    served: list[tuple[int, int, str]] = []
    with auto(late.model, {'late': late(engine, seconds=1.5)}) as runner:
        assert runner.name == runner.status.serving == 'onnxruntime'

        def infer() -> None:
            while (number := arrived.get()) is not None:
                label = runner.infer(frame(number)).label
                assert (label == label[0, 0, 0]).all()
                served.append((number, int(label[0, 0, 0]), runner.name))

        worker = threading.Thread(target=infer)
        worker.start()
        sent, extra = 0, RATE_HZ // 2
        begun = time.monotonic()
        while extra:
            time.sleep(max(0.0, begun + sent / RATE_HZ - time.monotonic()))
            arrived.put(sent)
            sent += 1
            told.append(str(runner.status))
            extra -= runner.status.serving == 'late'
            assert time.monotonic() < begun + PATIENCE_S
        arrived.put(None)
        worker.join()
        assert runner.status == Status('late', agreement=1.0)
    assert [number for number, _, _ in served] == list(range(sent))
    assert [label for _, label, _ in served] == [number % 19 for number in range(sent)]
    names = [name for _, _, name in served]
    change = names.index('late')
    assert change > RATE_HZ
    assert set(names[:change]) == {'onnxruntime'}
    assert set(names[change:]) == {'late'}
    assert 'serving: onnxruntime; building late 50 %' in told
    assert told[-1] == 'serving: late'
    # The second runner was checked in one thread before it served in another.
    assert len(late.made[0].threads_seen) == 2
    assert not late.made[0].active


def test_the_first_runtime_is_not_freed_under_a_frame(late: Late) -> None:
    slow = late(seconds=0, slow=0.05)(lambda *_: None, threading.Event())
    runner = AutoRunner(late.model, first=lambda: slow, others={'late': late(seconds=0)})
    with runner:
        for number in frames_until(runner, lambda _: len(late.made) > 1 and not slow.active):
            assert (runner.infer(frame(number)).label == number % 19).all()
        assert runner.status.agreement == 1.0


def test_a_second_runtime_that_labels_otherwise_is_not_used_and_it_is_said_why(
    late: Late, tmp_path: Path
) -> None:
    contract = tiny_contract()
    swapped = write_tiny_model(tmp_path / 'swapped.onnx', contract, sharpness=-0.02)
    with auto(late.model, {'late': late(swapped, seconds=0)}) as runner:
        serve_until(runner, lambda status: status.fault)
        assert runner.name == 'onnxruntime'
        assert runner.status.preparing == ''
        assert runner.status.passed_over['late'].startswith(
            'expected the labels of the CPU on at least 98 % of the pixels of 4 frames, got 0.00 %'
        )
        assert runner.status.fault == f'late is not used: {runner.status.passed_over["late"]}'
        assert not late.made[0].active
    with auto(late.model, {'late': late(swapped, seconds=0)}, min_agreement=0.0) as runner:
        for number in frames_until(runner, lambda status: status.serving == 'late'):
            runner.infer(frame(number))
        assert runner.status.agreement == 0.0


def test_numbers_that_are_not_finite_are_found_before_any_frame_gets_them(
    late: Late, tmp_path: Path
) -> None:
    broken = write_tiny_model(tmp_path / 'broken.onnx', offset=float('nan'))
    with auto(late.model, {'late': late(broken, seconds=0)}) as runner:
        serve_until(runner, lambda status: status.fault)
        assert 'expected finite numbers' in runner.status.passed_over['late']


@pytest.mark.parametrize(
    ('wrong', 'reason'),
    [
        ({'kill': signal.SIGKILL}, r'was killed by SIGKILL (out of memory?)'),
        ({'kill': signal.SIGSEGV}, 'was killed by SIGSEGV'),
        ({'runner': 'node x cannot be run'}, 'node x cannot be run'),
        ({'model': 'opset 9 is too old'}, 'opset 9 is too old'),
    ],
)
def test_a_build_that_fails_harms_nothing(late: Late, wrong: dict[str, Any], reason: str) -> None:
    with auto(late.model, {'late': late(seconds=0.1, **wrong)}) as runner:
        serve_until(runner, lambda status: status.fault)
        assert reason in runner.status.fault
        assert (runner.infer(frame(7)).label == 7).all()


def test_the_next_in_order_is_taken_where_one_is_missing_or_fails(late: Late) -> None:
    others = {
        'absent': late(missing='there is no such device'),
        'failing': late(seconds=0, runner='cannot be built'),
        'late': late(seconds=0),
        'never': late(seconds=600),
    }
    with auto(late.model, others) as runner:
        assert runner.status.passed_over == {'absent': 'there is no such device'}
        assert runner.status.fault == ''
        serve_until(runner, lambda status: status.serving == 'late')
        assert list(runner.status.passed_over) == ['absent', 'failing']
        assert runner.status.fault == 'failing is not used: cannot be built'


def test_a_runtime_that_fails_in_service_is_tried_again_but_not_for_ever(late: Late) -> None:
    with auto(late.model, {'late': late(seconds=0)}) as runner:
        for tries in range(1, 4):
            serve_until(runner, lambda status: status.serving == 'late')
            assert len(late.made) == tries
            late.made[-1].fails = True
            with pytest.raises(RunnerError, match='the device is lost'):
                runner.infer(frame(0))
            runner.deactivate()
            runner.activate()
            assert (runner.infer(frame(3)).label == 3).all()
        serve_until(runner, lambda status: status.fault)
        assert runner.status.passed_over == {'late': 'it failed 3 times in service'}
        assert runner.name == 'onnxruntime'


def test_shutting_down_ends_a_build_at_once(late: Late) -> None:
    runner = auto(late.model, {'late': late(seconds=600)})
    runner.activate()
    serve_until(runner, lambda status: status.doing == 'building')
    assert children_of_this()
    runner.deactivate()
    assert not children_of_this()
    assert runner.status == Status()
    runner.activate()
    runner.deactivate()


def children_of_this() -> list[int]:
    return [
        pid
        for pid in children_of(os.getpid())
        if b'slow_builder' in Path(f'/proc/{pid}/cmdline').read_bytes()
    ]


def test_without_frames_it_waits_to_be_checked_and_can_be_shut_down(late: Late) -> None:
    with auto(late.model, {'late': late(seconds=0)}) as runner:
        end = time.monotonic() + PATIENCE_S
        while runner.status.doing != 'checking':
            assert time.monotonic() < end
            time.sleep(0.01)
        assert str(runner.status) == 'serving: onnxruntime; checking late'
    assert not late.made[0].active


def test_a_model_that_has_changed_meanwhile_is_not_mixed_in(late: Late, tmp_path: Path) -> None:
    other = write_tiny_model(tmp_path / 'other.onnx', tiny_contract(stride=4))
    with auto(late.model, {'late': late(other, seconds=0)}) as runner:
        serve_until(runner, lambda status: status.fault)
        assert 'has changed since it was loaded' in runner.status.fault


def test_a_bad_model_is_an_error_of_its_own(tmp_path: Path, late: Late) -> None:
    runner = auto(tmp_path / 'none.onnx', {'late': late(seconds=0)})
    with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
        runner.activate()
    assert not late.made


def test_logits_are_of_the_runtime_in_service(late: Late) -> None:
    images = pictures(tiny_contract(), 1)
    with auto(late.model, {'late': late(seconds=0)}) as runner:
        before = runner.logits(images)
        serve_until(runner, lambda status: status.serving == 'late')
        np.testing.assert_array_equal(runner.logits(images), before)


def test_min_agreement_is_a_share(model: Path) -> None:
    with pytest.raises(ValueError, match='min_agreement: expected 0 to 1, got 98'):
        auto(model, min_agreement=98)
