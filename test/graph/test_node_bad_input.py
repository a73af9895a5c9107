"""Bad input on a live graph: one clear sentence, counted as dropped, the next good frame served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from onnx import helper, numpy_helper
from sensor_msgs.msg import CameraInfo, RegionOfInterest

from seg_perception.core.labels import Label, load_label_set
from test.graph.bench import Bench, pixels
from test.graph.spinner import wait_until
from test.tiny_model import tiny_contract, write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROAD = np.full((64, 128, 3), load_label_set().labels[0].color, np.uint8)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx')) as bench:
        yield bench


def complaint(capfd: pytest.CaptureFixture[str]) -> str:
    """Wait for the only complaint so far and return it."""
    found: list[str] = []

    def complained() -> bool:
        lines = capfd.readouterr().err.splitlines()
        found.extend(line for line in lines if 'frame dropped' in line)
        return bool(found)

    wait_until(complained, 'a complaint')
    (sentence,) = found
    return sentence


@pytest.mark.parametrize(
    ('fields', 'parts'),
    [
        ({'encoding': '32FC1'}, ('expected one of rgb8, bgr8', "got '32FC1'", 'cv_bridge')),
        ({'step': 100}, ('step of at least 384', 'got 100', 'set `step`')),
        ({'data': ROAD.tobytes()[:-7]}, ('expected 24576 bytes', 'got 24569', 'cut short')),
        ({'data': b''}, ('expected 24576 bytes', 'got 0')),
        ({'width': 0}, ('sides of 1 to 8192', 'got 0x64')),
        ({'height': 0}, ('sides of 1 to 8192', 'got 128x0')),
        ({'width': 8193, 'step': 3 * 8193}, ('sides of 1 to 8192', 'got 8193x64')),
    ],
)
def test_a_bad_image(
    bench: Bench, fields: dict[str, Any], parts: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    for count in (1, 2, 3):
        bench.send(ROAD, **fields)
        bench.await_totals(frames_in=count, dropped_bad=count)
    bench.send(ROAD)
    assert not pixels(labels.newest()).any()
    bench.await_totals(frames_in=4, frames_out=1, dropped_bad=3)
    sentence = complaint(capfd)
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ('spoil', 'parts'),
    [
        (lambda jpeg: jpeg[: len(jpeg) // 2], ('whole JPEG', 'cut short')),
        (lambda _: b'not a picture', ('expected a JPEG or a PNG', 'that start with')),
        (lambda _: b'', ('expected a JPEG or a PNG', 'got 0 bytes')),
    ],
)
def test_a_bad_compressed_image(
    tmp_path: Path, spoil: Any, parts: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    good = cv2.imencode('.jpg', ROAD[:, :, ::-1])[1].tobytes()
    with Bench(model, transport='compressed') as bench:
        bench.activate('compressed')
        (labels,) = bench.listen('label')
        bench.send_compressed(spoil(good))
        bench.await_totals(frames_in=1, dropped_bad=1)
        bench.send_compressed(good)
        assert not pixels(labels.newest()).any()
        bench.await_totals(frames_in=2, frames_out=1, dropped_bad=1)
        sentence = complaint(capfd)
        for part in parts:
            assert part in sentence


@pytest.mark.parametrize(
    ('info', 'size'),
    [
        ({'width': 640, 'height': 480}, '640x480'),
        ({'width': 128, 'height': 64, 'binning_x': 2, 'binning_y': 2}, '64x32'),
        ({'width': 640, 'height': 480, 'roi': RegionOfInterest(width=100, height=50)}, '100x50'),
    ],
)
def test_a_camera_info_that_does_not_fit(
    bench: Bench, info: dict[str, Any], size: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send_info(CameraInfo(k=[100.0] * 9, **info))
    bench.send(ROAD)
    bench.await_totals(frames_in=1, dropped_bad=1)
    sentence = complaint(capfd)
    assert f'image of 128x64 does not fit its camera info, which is for {size}' in sentence
    assert 'remap camera_info' in sentence
    bench.send_info(CameraInfo(k=[100.0] * 9, width=128, height=64))
    bench.send(ROAD)
    assert not pixels(labels.newest()).any()
    bench.await_totals(frames_in=2, frames_out=1, dropped_bad=1)


@pytest.mark.parametrize(
    'info', [{'width': 0, 'height': 0, 'k': [1.0] * 9}, {'width': 640, 'height': 480}]
)
def test_an_uncalibrated_camera_is_no_error(bench: Bench, info: dict[str, Any]) -> None:
    bench.activate()
    labels, infos = bench.listen('label', 'camera_info')
    bench.send_info(CameraInfo(k=[100.0] * 9, width=128, height=64))
    bench.send_info(CameraInfo(**info))
    bench.send(ROAD)
    labels.newest()
    bench.await_totals(frames_in=1, frames_out=1)
    assert len(infos) == 0


def write_fragile_model(path: Path) -> Path:
    """Write a tiny model whose logits are not numbers for a white image."""
    model = onnx.load(write_tiny_model(path))
    model.graph.node[-1].output[0] = 'plain'
    model.graph.initializer.append(numpy_helper.from_array(np.float32(255), 'white'))
    model.graph.node.extend(
        [
            helper.make_node('ReduceMax', ['cells'], ['brightest'], keepdims=0),
            helper.make_node('ReduceMin', ['cells'], ['darkest'], keepdims=0),
            helper.make_node('Sub', ['brightest', 'brightest'], ['zero']),
            helper.make_node('Sub', ['darkest', 'white'], ['gap']),
            helper.make_node('Div', ['zero', 'gap'], ['poison']),
            helper.make_node('Add', ['plain', 'poison'], ['logits']),
        ]
    )
    onnx.save(model, path)
    return path


def test_a_failing_network_is_reloaded(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Bench(write_fragile_model(tmp_path / 'fragile.onnx')) as bench:
        bench.activate()
        (labels,) = bench.listen('label')
        bench.send(np.full_like(ROAD, 255))
        bench.await_totals(frames_in=1, dropped_bad=1)
        sentence = complaint(capfd)
        assert 'the network failed and will be reloaded' in sentence
        assert 'expected finite numbers' in sentence
        bench.status(DiagnosticStatus.ERROR, 'expected finite numbers')
        bench.send(ROAD)
        assert not pixels(labels.newest()).any()
        bench.await_totals(frames_in=2, frames_out=1, dropped_bad=1)
        bench.status(DiagnosticStatus.OK)


def test_reloading_is_tried_again_and_again(tmp_path: Path) -> None:
    model = write_fragile_model(tmp_path / 'fragile.onnx')
    with Bench(model) as bench:
        bench.activate()
        (labels,) = bench.listen('label')
        bench.send(np.full_like(ROAD, 255))
        bench.await_totals(frames_in=1, dropped_bad=1)
        good = model.rename(tmp_path / 'good.onnx')
        other = [Label('road', 7, (128, 64, 128)), Label('lava', 8, (255, 0, 0))]
        write_tiny_model(model, tiny_contract(labels=other))
        bench.send(ROAD)
        bench.await_totals(frames_in=2, dropped_bad=2)
        bench.status(DiagnosticStatus.ERROR, 'expected sidewalk (id 8) as class 1')
        good.rename(model)

        sent = 2

        def settled() -> bool:
            totals = bench.node.totals
            return totals.frames_in == sent and totals.under_way == 0

        def served() -> bool:
            # One at a time: of a flood many are lost on their way, and that is worth a warning.
            nonlocal sent
            bench.send(ROAD)
            sent += 1
            wait_until(settled, f'image {sent} to be counted')
            return bool(labels)

        wait_until(served, 'the network to come back')
        bench.status(DiagnosticStatus.OK)
