"""The node changes its runtime while it serves a camera of 30 Hz, and says so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from seg_perception.core.labels import load_label_set
from seg_perception.inference.auto import AutoRunner
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from seg_perception.ros import loading
from test.graph.bench import Bench, counts, pixels
from test.graph.spinner import PATIENCE_S, wait_until
from test.inference.late_runner import LateRunner
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    import threading
    from pathlib import Path
    from typing import Any

    from seg_perception.inference.base import Progress, Runner

RATE_HZ = 30
LABELS = load_label_set().labels
PICTURES = [np.full((64, 128, 3), label.color, np.uint8) for label in LABELS]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx')


def offer_late(
    monkeypatch: pytest.MonkeyPatch, model: Path, engine: Path, cache: Path, seconds: float
) -> None:
    """Let `auto` know of a second runtime that a build process makes ready late."""

    def make(progress: Progress, cancelled: threading.Event) -> Runner:
        return LateRunner(model, engine, progress, cancelled, cache=cache, seconds=seconds)

    def create(backend: str, path: Path, *, min_agreement: float, **_: Any) -> AutoRunner:
        assert backend == 'auto'
        return AutoRunner(
            path,
            first=lambda: OnnxRuntimeRunner(path, threads=1),
            others={'late': make},
            min_agreement=min_agreement,
        )

    monkeypatch.setattr(loading, 'create_serving_runner', create)


def test_no_frame_is_lost_or_doubled(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = write_tiny_model(tmp_path / 'engine.onnx', sharpness=0.01)
    offer_late(monkeypatch, model, engine, tmp_path / 'engines', seconds=1.5)
    sent: dict[tuple[int, int], int] = {}
    # Plain pictures, each of another class, are not what a camera sees.
    with Bench(model, min_contrast=0.0, max_change=1.0) as bench:
        bench.activate()
        labels, reports = bench.listen('label', 'report')
        begun = time.monotonic()
        left = RATE_HZ
        while left:
            time.sleep(max(0.0, begun + len(sent) / RATE_HZ - time.monotonic()))
            number = len(sent) % len(LABELS)
            stamp = bench.send(PICTURES[number]).header.stamp
            sent[stamp.sec, stamp.nanosec] = number
            left -= bool(reports and reports[-1].backend == 'late')
            assert time.monotonic() < begun + PATIENCE_S
        told = [
            {entry.key: entry.value for entry in status.values}
            for array in bench.statuses
            for status in array.status
        ]
        bench.statuses.clear()
        (status,) = bench.statuses.newest().status
        last = {entry.key: entry.value for entry in status.values}
        # A camera's topic is best effort: the node answers for what reaches it.
        assert bench.transition('deactivate')
        totals = counts(bench.node.totals)
        wait_until(lambda: len(labels) == len(reports) == totals['frames_out'], 'all results')
    stamps = [(label.header.stamp.sec, label.header.stamp.nanosec) for label in labels]
    assert stamps == sorted(set(stamps))
    assert stamps == [(r.header.stamp.sec, r.header.stamp.nanosec) for r in reports]
    for stamp, label in zip(stamps, labels, strict=True):
        assert (pixels(label) == sent[stamp]).all()
    backends = [report.backend for report in reports]
    change = backends.index('late')
    assert change > RATE_HZ
    assert set(backends[:change]) == {'onnxruntime'}
    assert set(backends[change:]) == {'late'}
    assert totals == {
        **dict.fromkeys(totals, 0),
        'frames_in': len(labels) + totals['dropped_busy'],
        'frames_out': len(labels),
        'dropped_busy': totals['dropped_busy'],
    }
    assert any(values['runtime'].startswith('serving: onnxruntime; ') for values in told)
    assert (last['backend'], last['runtime']) == ('late', 'serving: late')
    assert last['runtime_agreement'] == '1.0000'
    assert 'serving: late' in capfd.readouterr().err


def test_a_runtime_that_is_not_trusted_is_a_warning_with_the_reason(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = write_tiny_model(tmp_path / 'engine.onnx', sharpness=-0.02)
    offer_late(monkeypatch, model, engine, tmp_path / 'engines', seconds=0)
    with Bench(model, min_agreement=0.9) as bench:
        bench.activate()
        (labels,) = bench.listen('label')
        runner = bench.node._runner
        assert runner is not None
        while not runner.status.fault:
            before = len(labels)
            bench.send(PICTURES[0])
            assert (pixels(labels.after(before)) == 0).all()
        status = bench.status(DiagnosticStatus.WARN, 'late is not used: expected the labels of')
        values = {entry.key: entry.value for entry in status.values}
        assert values['runtime'] == 'serving: onnxruntime'
        assert values['passed_over'].startswith('late: expected the labels of the CPU on at least')
    assert capfd.readouterr().err.count('late is not used') == 1
