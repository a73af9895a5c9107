"""From a camera's bytes to published pixels: labels lie where the camera saw them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.encodings import KNOWN_ENCODINGS, RawImage, Region, view_image
from seg_perception.core.labels import DRIVABLE, OBSTACLE, UNLABELLED, Label, LabelSet
from seg_perception.core.segmenter import Segmenter
from seg_perception.core.view import GEOMETRIES, Geometry
from seg_perception.inference.base import Runner
from seg_perception.inference.onnxruntime import OnnxRuntimeRunner
from test.tiny_model import tiny_contract, write_tiny_model

Image = npt.NDArray[np.uint8]

NETWORK = (64, 32)
COLORS = ((210, 40, 50), (40, 190, 60), (50, 60, 220), (220, 210, 60), (30, 30, 30))
GRAYS = tuple((level, level, level) for level in (20, 75, 130, 185, 240))
SIZES = [(161, 77), (130, 211), (93, 51)]


def label_set(colors: tuple[tuple[int, int, int], ...]) -> LabelSet:
    labels = tuple(Label(f'class {n}', n, color) for n, color in enumerate(colors))
    return LabelSet('test', labels, {DRIVABLE: frozenset({0}), OBSTACLE: frozenset({1, 3})})


@pytest.fixture(scope='module')
def runners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Runner]]:
    """One model that knows colours and one that knows greys, a label for each network pixel."""
    folder = tmp_path_factory.mktemp('models')
    runners: dict[str, Runner] = {}
    for name, colors in (('color', COLORS), ('gray', GRAYS)):
        contract = tiny_contract(
            width=NETWORK[0], height=NETWORK[1], stride=1, labels=label_set(colors).labels
        )
        path = write_tiny_model(folder / f'{name}.onnx', contract)
        runners[name] = OnnxRuntimeRunner(path, threads=1)
        runners[name].activate()
    yield runners
    for runner in runners.values():
        runner.deactivate()


def pattern(size: tuple[int, int]) -> Image:
    """TrainIds: unequal blocks in no symmetric order, uint8 [H, W]."""
    columns, rows = (
        np.arange(side) * blocks // side for side, blocks in zip(size, (3, 3), strict=True)
    )
    return np.asarray((columns[np.newaxis] * 2 + rows[:, np.newaxis] ** 2 * 3) % 5, np.uint8)


def chroma(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """YUV of limited range by ITU-R BT.601, [H, W, 3]."""
    y = rgb @ [0.299, 0.587, 0.114]
    u, v = (rgb[..., 2] - y) / 1.772, (rgb[..., 0] - y) / 1.402
    return np.stack([y * 219 / 255 + 16, u * 224 / 255 + 128, v * 224 / 255 + 128], axis=-1)


def packed(yuv: npt.NDArray[np.float64], luma: int) -> npt.NDArray[np.float64]:
    """4:2:2 with luma as the first or second of each pair of bytes."""
    result = np.empty((*yuv.shape[:2], 2))
    result[..., luma] = yuv[..., 0]
    result[:, 0::2, 1 - luma], result[:, 1::2, 1 - luma] = yuv[:, 0::2, 1], yuv[:, 0::2, 2]
    return result


def planar(yuv: npt.NDArray[np.float64], order: tuple[int, int]) -> npt.NDArray[np.float64]:
    """4:2:0: a plane of luma, then one of chroma pairs."""
    pairs = yuv[0::2, 0::2][..., list(order)]
    return np.concatenate([yuv[..., 0], pairs.reshape(len(pairs), -1)])


def mosaic(rgb: npt.NDArray[np.float64], sites: str) -> npt.NDArray[np.float64]:
    result = np.empty(rgb.shape[:2])
    for number, site in enumerate(sites):
        rows, columns = slice(number // 2, None, 2), slice(number % 2, None, 2)
        result[rows, columns] = rgb[rows, columns, 'rgb'.index(site)]
    return result


ENCODERS: dict[str, Any] = {
    'rgb8': lambda rgb: rgb,
    'bgr8': lambda rgb: rgb[..., ::-1],
    'rgba8': lambda rgb: np.dstack([rgb, rgb[..., :1]]),
    'bgra8': lambda rgb: np.dstack([rgb[..., ::-1], rgb[..., :1]]),
    'mono8': lambda rgb: rgb[..., 0],
    'mono16': lambda rgb: rgb[..., 0] * 257,
    **{name: lambda rgb: packed(chroma(rgb), 1) for name in ('uyvy', 'yuv422')},
    **{name: lambda rgb: packed(chroma(rgb), 0) for name in ('yuyv', 'yuv422_yuy2')},
    'nv12': lambda rgb: planar(chroma(rgb), (1, 2)),
    'nv21': lambda rgb: planar(chroma(rgb), (2, 1)),
    **{
        f'bayer_{sites}8': partial(mosaic, sites=sites)
        for sites in ('rggb', 'bggr', 'gbrg', 'grbg')
    },
}


def message(encoding: str, truth: Image, padding: int) -> RawImage:
    """Return a pattern as a camera sends it, with unused bytes at the end of each row."""
    colors = GRAYS if encoding.startswith('mono') else COLORS
    rgb = np.array(colors, np.float64)[truth]
    samples = np.rint(ENCODERS[encoding](rgb)).astype('>u2' if encoding == 'mono16' else 'u1')
    rows = samples.reshape(len(samples), -1).view(np.uint8)
    data = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    return view_image(
        encoding=encoding,
        width=truth.shape[1],
        height=truth.shape[0],
        step=data.shape[1],
        is_bigendian=encoding == 'mono16',
        data=data.tobytes(),
    )


def test_every_encoding_has_a_test() -> None:
    assert set(ENCODERS) == set(KNOWN_ENCODINGS)


@pytest.mark.parametrize('encoding', KNOWN_ENCODINGS)
@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('size', SIZES)
def test_labels_lie_where_the_camera_saw_them(
    runners: dict[str, Runner], encoding: str, geometry: Geometry, size: tuple[int, int]
) -> None:
    kind = 'gray' if encoding.startswith('mono') else 'color'
    labels = label_set(GRAYS if kind == 'gray' else COLORS)
    if encoding.startswith(('yuv', 'yuyv', 'uyvy', 'nv')):
        size = (size[0] // 2 * 2, size[1] // 2 * 2)  # as chroma is shared
    truth = pattern(size)
    image = message(encoding, truth, padding=6)
    for region in (None, (7, 3, size[0] - 18, size[1] - 9)):
        for output in ('camera', 'network', (75, 52)):
            segmenter = Segmenter(
                runners[kind], labels=labels, geometry=geometry, output=output, region=region
            )
            result = segmenter.segment(image)
            check(result.label, result.placement.framed, result.placement.seen, truth)
            np.testing.assert_array_equal(result.drivable == 255, result.label == 0)
            np.testing.assert_array_equal(result.obstacle == 255, np.isin(result.label, (1, 3)))
            np.testing.assert_array_equal(result.confidence == 0, result.label == UNLABELLED)


def check(label: Image, framed: Region, seen: Region, truth: Image) -> None:
    """Check each published pixel against the camera pixel that its centre lies in."""
    places, inside = [], []
    for side, count in ((1, label.shape[0]), (0, label.shape[1])):
        centre = framed[side] + (np.arange(count) + 0.5) * framed[side + 2] / count
        places.append(centre.astype(int))
        inside.append((centre >= seen[side]) & (centre < seen[side] + seen[side + 2]))
    in_view = np.outer(*inside)
    assert (label[~in_view] == UNLABELLED).all()
    # Colours mix at borders: over two pixels of the camera and, where it has more pixels than the
    # network, of the network.
    reach = 2 + 2 * max(1, -(-seen[2] // NETWORK[0]), -(-seen[3] // NETWORK[1]))
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    plain = cv2.erode(truth, around) == cv2.dilate(truth, around)
    there = np.ix_(*places)
    clear = np.asarray(plain)[there] & in_view
    assert np.count_nonzero(clear) > 20
    np.testing.assert_array_equal(label[clear], truth[there][clear])


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('region', [None, (2, 3, 64, 32)])
def test_without_scaling_every_pixel_is_exact(
    runners: dict[str, Runner], geometry: Geometry, region: Region | None
) -> None:
    width, height = NETWORK if region is None else (75, 41)
    truth = np.random.default_rng(5).integers(0, 5, (height, width), np.uint8)
    segmenter = Segmenter(
        runners['color'], labels=label_set(COLORS), geometry=geometry, region=region
    )
    x, y, across, down = region or (0, 0, width, height)
    expected = np.full_like(truth, UNLABELLED)
    expected[y : y + down, x : x + across] = truth[y : y + down, x : x + across]
    np.testing.assert_array_equal(segmenter.segment(message('rgb8', truth, 1)).label, expected)
