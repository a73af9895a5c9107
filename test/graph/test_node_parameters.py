"""Parameters on a live graph: what can change at run time does, what cannot is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters

from seg_perception.core.labels import load_label_set
from seg_perception.ros.settings import RULES
from test.graph.bench import Bench, pixels
from test.graph.spinner import find_service, wait_until
from test.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = load_label_set()
ROAD = np.full((64, 128, 3), LABELS.labels[0].color, np.uint8)
# Half-way between road and sidewalk in colour: a confidence of a half.
DOUBT = np.full((64, 128, 3), (186, 50, 180), np.uint8)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx')) as bench:
        yield bench


def test_confidence_thresholds_change_at_run_time(bench: Bench) -> None:
    bench.activate()
    labels, confidences, drivable = bench.listen('label', 'confidence', 'drivable')
    bench.send(DOUBT)
    (confidence,) = np.unique(pixels(confidences.newest()))
    assert 100 < confidence < 200
    (label,) = np.unique(pixels(labels.newest()))
    assert label == LABELS.train_id('road')
    drivable_before = pixels(drivable.newest())
    assert drivable_before.all() == (confidence >= 128)
    assert bench.set(drivable_min_confidence=0.99) == []
    bench.send(DOUBT)
    assert not pixels(drivable.after(1)).any()
    assert bench.set(drivable_min_confidence=0.1) == []
    bench.send(DOUBT)
    assert pixels(drivable.after(2)).all()
    assert bench.set(label_min_confidence=0.99) == []
    bench.send(DOUBT)
    assert (pixels(labels.after(3)) == 255).all()


def test_overlay_and_jpeg_change_at_run_time(bench: Bench) -> None:
    bench.activate()
    overlays, jpegs = bench.listen('overlay', 'overlay/compressed')
    noise = np.random.default_rng(7).integers(0, 255, (64, 128, 3), np.uint8)
    assert bench.set(overlay_alpha=0, jpeg_quality=100) == []
    bench.send(noise)
    np.testing.assert_array_equal(pixels(overlays.newest()), noise[:, :, ::-1])
    large = len(jpegs.newest().data)
    assert bench.set(jpeg_quality=10) == []
    bench.send(noise)
    assert len(jpegs.after(1).data) < large / 2


def test_what_cannot_change_at_run_time_is_refused(bench: Bench) -> None:
    fixed = {name: bench.node.get_parameter(name).value for name in RULES}
    fixed = {name: value for name, value in fixed.items() if not RULES[name].run_time}
    assert bench.set(**fixed) == []
    assert bench.transition('configure')
    assert bench.set(**fixed) == [
        f'{name} cannot change at run time: deactivate and clean up first' for name in fixed
    ]
    assert bench.transition('cleanup')
    assert bench.set(**fixed) == []


def test_a_bad_value_is_refused_and_changes_nothing(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    for name, value, part in (
        ('max_age', 'old', 'must be a number from 0 to 3600'),
        ('max_age', float('nan'), 'max_age'),
        ('overlay_alpha', 1.5, 'overlay_alpha'),
        ('overlay_alpha', 2, 'must be a number from 0 to 1'),
        ('jpeg_quality', 101, 'jpeg_quality'),
        ('jpeg_quality', 50.0, 'must be a whole number from 1 to 100'),
        ('watchdog', True, 'must be a number from 0 to 3600'),
    ):
        before = bench.node.get_parameter(name).value
        (reason,) = bench.set(**{name: value})
        assert part in reason
        assert bench.node.get_parameter(name).value == before
    bench.send(ROAD)
    assert not pixels(labels.newest()).any()


def test_unknown_parameters_are_named_with_the_nearest_known(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Bench(tmp_path / 'none.onnx', max_agee=1.0, zzz=1):
        pass
    (line,) = [line for line in capfd.readouterr().err.splitlines() if 'unknown' in line]
    assert 'max_agee (did you mean max_age?), zzz' in line


def test_they_describe_themselves(bench: Bench) -> None:
    client = find_service(bench.tester, DescribeParameters, 'segmentation/describe_parameters')
    future = client.call_async(DescribeParameters.Request(names=['max_age', 'threads', 'backend']))
    wait_until(future.done, 'the descriptions')
    max_age, threads, backend = future.result().descriptors
    assert max_age.type == ParameterType.PARAMETER_DOUBLE
    assert max_age.floating_point_range[0].to_value == 3600
    assert max_age.description == RULES['max_age'].description
    assert threads.integer_range[0].to_value == 256
    assert backend.additional_constraints.startswith('one of auto, tensorrt, ')
