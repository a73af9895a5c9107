"""The node on a live graph: what it makes of images, asserted pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from sensor_msgs.msg import CameraInfo

from seg_perception.core.finish import finish_reference
from seg_perception.core.labels import DRIVABLE, OBSTACLE, load_label_set
from test.graph.bench import Bench, pixels
from test.tiny_model import tiny_contract, tiny_logits, write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LABELS = load_label_set()
CONTRACT = tiny_contract()
SIZE = (CONTRACT.width, CONTRACT.height)


def street() -> npt.NDArray[np.uint8]:
    """Return an RGB image at the network's size: four quarters and a car on the edge of two."""
    image = np.empty((CONTRACT.height, CONTRACT.width, 3), np.uint8)
    image[:32, :64] = LABELS.labels[LABELS.train_id('sky')].color
    image[:32, 64:] = LABELS.labels[LABELS.train_id('building')].color
    image[32:, :64] = LABELS.labels[LABELS.train_id('road')].color
    image[32:, 64:] = LABELS.labels[LABELS.train_id('sidewalk')].color
    image[32:48, 48:80] = LABELS.labels[LABELS.train_id('car')].color
    return image


def expected(
    image: npt.NDArray[np.uint8] | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return label and confidence of an RGB image, the street, made by hand and slow reference."""
    image = street() if image is None else image
    logits = tiny_logits(CONTRACT, image[None])[0].astype(np.float32)
    return finish_reference(logits, SIZE, CONTRACT.align_corners)


def to_nv12(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    planar = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    rows = rgb.shape[0]
    chroma = planar[rows:].reshape(2, -1).T.reshape(rows // 2, -1)
    return np.concatenate([planar[:rows], chroma])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx')) as bench:
        yield bench


def test_masks_are_exact_and_carry_the_header(bench: Bench) -> None:
    bench.activate()
    inboxes = bench.listen('label', 'confidence', 'drivable', 'obstacle')
    sent = bench.send(street())
    messages = [inbox.newest() for inbox in inboxes]
    label, confidence, drivable, obstacle = map(pixels, messages)
    reference, reference_confidence = expected()
    np.testing.assert_array_equal(label, reference)
    assert np.abs(confidence.astype(int) - reference_confidence).max() <= 1
    trusted = confidence >= 128  # drivable_min_confidence 0.5
    np.testing.assert_array_equal(drivable, LABELS.group_table(DRIVABLE)[reference] * trusted)
    np.testing.assert_array_equal(obstacle, LABELS.group_table(OBSTACLE)[reference])
    assert (drivable == 255).sum() > 1000
    assert (obstacle == 255).sum() > 2000
    for message in messages:
        assert message.header == sent.header
        assert (message.encoding, message.step) == ('mono8', CONTRACT.width)


@pytest.mark.parametrize(
    ('encoding', 'convert'),
    [
        ('rgb8', lambda rgb: rgb),
        ('bgr8', lambda rgb: rgb[:, :, ::-1]),
        ('bgra8', lambda rgb: cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)),
    ],
)
def test_the_order_of_colours_makes_no_difference(
    bench: Bench,
    encoding: str,
    convert: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]],
) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send(convert(street()), encoding, height=CONTRACT.height)
    np.testing.assert_array_equal(pixels(labels.newest()), expected()[0])


def test_chroma_subsampled_images(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    nv12 = to_nv12(street())
    bench.send(nv12, 'nv12', height=CONTRACT.height)
    decoded = np.asarray(cv2.cvtColor(nv12, cv2.COLOR_YUV2RGB_NV12), np.uint8)
    np.testing.assert_array_equal(pixels(labels.newest()), expected(decoded)[0])


def test_padded_rows(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    padded = np.pad(street(), ((0, 0), (0, 5), (0, 0)), constant_values=77)
    bench.send(padded, width=CONTRACT.width)
    np.testing.assert_array_equal(pixels(labels.newest()), expected()[0])


@pytest.mark.parametrize('extension', ['.png', '.jpg'])
def test_compressed_images(tmp_path: Path, extension: str) -> None:
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    with Bench(model, transport='compressed') as bench:
        bench.activate('compressed')
        (labels,) = bench.listen('label')
        _, data = cv2.imencode(extension, street()[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
        sent = bench.send_compressed(data.tobytes())
        message = labels.newest()
        assert message.header == sent.header
        agreement = (pixels(message) == expected()[0]).mean()
        # JPEG blurs colours where regions touch, which moves a few boundaries by a pixel.
        assert agreement == 1 if extension == '.png' else agreement > 0.99


def test_pictures_for_people(bench: Bench) -> None:
    bench.activate()
    names = ('label', 'color', 'overlay', 'color/compressed', 'overlay/compressed')
    inboxes = bench.listen(*names)
    sent = bench.send(street())
    label, color, overlay, *jpegs = (inbox.newest() for inbox in inboxes)
    painted = LABELS.color_table()[pixels(label)]
    np.testing.assert_array_equal(pixels(color), painted)
    blend = (painted.astype(int) + street()[:, :, ::-1]) / 2
    assert np.abs(pixels(overlay) - blend).max() <= 0.5
    for jpeg, picture in zip(jpegs, (color, overlay), strict=True):
        assert jpeg.header == sent.header
        assert jpeg.format == 'bgr8; jpeg compressed bgr8'
        decoded = cv2.imdecode(np.frombuffer(jpeg.data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert decoded.shape == pixels(picture).shape
        assert np.abs(decoded.astype(int) - pixels(picture)).mean() < 8


def test_labels_come_at_the_camera_size(bench: Bench) -> None:
    bench.activate()
    (labels,) = bench.listen('label')
    bench.send(np.repeat(np.repeat(street(), 3, axis=0), 3, axis=1))
    label = pixels(labels.newest())
    assert label.shape == (192, 384)
    np.testing.assert_array_equal(label[::3, ::3][4:28:8, 4::8], expected()[0][4:28:8, 4::8])


def test_labels_come_at_the_network_size_with_scaled_camera_info(tmp_path: Path) -> None:
    with Bench(write_tiny_model(tmp_path / 'tiny.onnx'), output_size='network') as bench:
        bench.activate()
        labels, infos, overlays = bench.listen('label', 'camera_info', 'overlay')
        info = CameraInfo(
            width=256,
            height=128,
            distortion_model='plumb_bob',
            d=[0.1, 0.0, 0.0, 0.0, 0.0],
            k=[200.0, 0.0, 127.5, 0.0, 200.0, 63.5, 0.0, 0.0, 1.0],
            p=[200.0, 0.0, 127.5, 0.0, 0.0, 200.0, 63.5, 0.0, 0.0, 0.0, 1.0, 0.0],
        )
        bench.send_info(info)
        sent = bench.send(np.repeat(np.repeat(street(), 2, axis=0), 2, axis=1))
        result = infos.newest()
        assert result.header == sent.header
        assert (result.width, result.height) == SIZE
        # The image's centre stays its centre: 63.5 of 128 pixels, 31.5 of 64.
        assert list(result.k) == [100, 0, 63.5, 0, 100, 31.5, 0, 0, 1]
        assert list(result.p) == [100, 0, 63.5, 0, 0, 100, 31.5, 0, 0, 0, 1, 0]
        assert list(result.d) == list(info.d)
        assert result.distortion_model == 'plumb_bob'
        np.testing.assert_array_equal(pixels(labels.newest()), expected()[0])
        assert pixels(overlays.newest()).shape == (*SIZE[::-1], 3)


def test_camera_info_is_passed_on_unchanged_at_the_camera_size(bench: Bench) -> None:
    bench.activate()
    (infos,) = bench.listen('camera_info')
    info = CameraInfo(width=256, height=128, binning_x=2, binning_y=2, k=[200.0] + [1.0] * 8)
    bench.send_info(info)
    sent = bench.send(street())
    info.header = sent.header
    assert infos.newest() == info


def test_report_tells_stage_times_shares_and_totals(bench: Bench) -> None:
    bench.activate()
    labels, reports = bench.listen('label', 'report')
    sent = bench.send(street())
    report = reports.newest()
    assert report.header == sent.header
    assert (report.model, report.backend) == ('tiny_nearest_color', 'onnxruntime')
    assert (report.camera, report.batch) == ('', 1)
    assert (report.frames_in, report.frames_out, report.frames_lost) == (1, 1, 0)
    assert (report.dropped_busy, report.dropped_stale, report.dropped_bad) == (0, 0, 0)
    label = pixels(labels.newest())
    shares = [(label == train_id).mean() for train_id in range(len(LABELS.labels))]
    np.testing.assert_allclose(report.class_share, shares, atol=1e-6)
    assert report.unlabelled_share == 0
    stages = ('wait', 'decode', 'prepare', 'queue', 'infer', 'finish', 'make', 'publish')
    times = [getattr(report, f'{stage}_ms') for stage in stages]
    assert all(time >= 0 for time in times)
    assert sum(times) == pytest.approx(report.total_ms, abs=0.5)
    assert 0 < report.age < 30


def test_ego_mask_and_label_confidence(tmp_path: Path) -> None:
    ego = np.zeros((8, 16), np.uint8)
    ego[6:] = 255
    cv2.imwrite(str(tmp_path / 'ego.png'), ego)
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    with Bench(model, ego_mask=str(tmp_path / 'ego.png'), label_min_confidence=0.9) as bench:
        bench.activate()
        names = ('label', 'confidence', 'drivable', 'obstacle', 'report', 'overlay')
        inboxes = bench.listen(*names)
        bench.send(street())
        *messages, report, overlay = (inbox.newest() for inbox in inboxes)
        label, confidence, drivable, obstacle = map(pixels, messages)
        hidden = (confidence < 230) | (np.arange(CONTRACT.height)[:, None] >= 48)
        np.testing.assert_array_equal(label, np.where(hidden, 255, expected()[0]))
        assert not drivable[48:].any()
        assert not obstacle[48:].any()
        assert drivable[:48].any()
        assert report.unlabelled_share == pytest.approx(hidden.mean(), abs=1e-6)
        np.testing.assert_array_equal(pixels(overlay)[48:], street()[48:, :, ::-1])


def test_nothing_is_computed_or_published_that_nobody_listens_to(bench: Bench) -> None:
    bench.activate()
    with bench.arrival():
        bench.send(street())
    (labels,) = bench.listen('label')
    bench.send(street())
    labels.newest()
    # The first came while nobody listened: it is not even counted.
    bench.await_totals(frames_in=1, frames_out=1)
    assert len(labels) == 1
    obstacle, report = bench.listen('obstacle', 'report')
    bench.send(street())
    report.newest()
    assert len(labels) == 2
    assert len(obstacle) == 1
