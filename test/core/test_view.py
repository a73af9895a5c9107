from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.encodings import ImageError, RawImage, from_bgr
from seg_perception.core.view import BARS, GEOMETRIES, Geometry, Placement, View
from test.tiny_model import tiny_contract

Image = npt.NDArray[np.uint8]

SIZES = [(128, 64), (200, 150), (97, 33), (31, 61), (640, 121)]
REGIONS = [None, (3, 5, 20, 11), (0, 0, 31, 33)]


def view(geometry: Geometry = 'stretch', **more: Any) -> View:
    sides = {name: more.pop(name) for name in ('width', 'height', 'label_stride') if name in more}
    return View(tiny_contract(**sides), geometry=geometry, **more)


def restored(placement: Placement, picture: Image, fill: int) -> Image:
    """Restore by the definition, pixel by pixel, in fractions of whole numbers."""
    width, height = placement.output_size
    result = np.full((height, width), fill, np.uint8)
    framed, seen, shown = placement.framed, placement.seen, placement.shown
    for row in range(height):
        for column in range(width):
            place = []
            for side, (pixel, count) in enumerate(((column, width), (row, height))):
                # The pixel's centre in the camera image, times 2 * count.
                centre = 2 * count * framed[side] + (2 * pixel + 1) * framed[side + 2]
                inside = centre - 2 * count * seen[side]
                length = 2 * count * seen[side + 2]
                if 0 <= inside < length:
                    place.append(shown[side] + inside * shown[side + 2] // length)
            if len(place) == 2:
                result[row, column] = picture[place[1], place[0]]
    return result


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('output', ['camera', 'network', (53, 40), (300, 7), (32, 16), (16, 16)])
@pytest.mark.parametrize('region', REGIONS)
@pytest.mark.parametrize('size', [(97, 33), (31, 61)])
def test_labels_are_restored_by_the_definition(
    geometry: Geometry, output: Any, region: Any, size: tuple[int, int]
) -> None:
    placement = view(geometry, output=output, region=region, label_stride=4).placement(size)
    picture = np.random.default_rng(1).integers(0, 254, (16, 32), np.uint8)
    expected = restored(placement, picture, 254)
    np.testing.assert_array_equal(placement.restore(picture, 254), expected)


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('region', [None, (100, 40, 391, 277)])
@pytest.mark.parametrize('size', [(512, 320), (1001, 777), (640, 2000)])
@pytest.mark.parametrize('output', ['camera', (1024, 999), 'network'])
def test_no_label_is_lost_where_none_is_published_smaller(
    geometry: Geometry, region: Any, size: tuple[int, int], output: Any
) -> None:
    placement = view(geometry, output=output, region=region).placement(size)
    x, y, across, down = placement.shown
    grid = np.random.default_rng(2).integers(0, 254, (64, 128), np.uint8)
    published = placement.restore(grid, 255)
    centres = []
    for side, cells in ((0, across), (1, down)):
        # The published pixel whose centre is nearest to that of each label, in whole numbers.
        start, length = placement.seen[side], placement.seen[side + 2]
        camera = 2 * cells * (start - placement.framed[side]) + (2 * np.arange(cells) + 1) * length
        unit = 2 * cells * placement.framed[side + 2]
        centres.append(-(-camera * placement.output_size[side] // unit) - 1)
    sampled = published[np.ix_(centres[1], centres[0])]
    np.testing.assert_array_equal(sampled, grid[y : y + down, x : x + across])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('region', REGIONS)
def test_what_each_geometry_sees_and_shows(size: tuple[int, int], region: Any) -> None:
    whole = region or (0, 0, *size)
    stretched = view('stretch', region=region).placement(size)
    assert (stretched.seen, stretched.shown) == (whole, (0, 0, 128, 64))
    boxed = view('letterbox', region=region).placement(size)
    assert boxed.seen == whole
    x, y, width, height = boxed.shown
    assert width == 128 or height == 64
    assert abs(width * whole[3] / whole[2] - height) <= max(0.5, 0.5 * whole[3] / whole[2])
    assert x == (128 - width) // 2
    assert y == (64 - height) // 2
    cropped = view('crop', region=region).placement(size)
    assert cropped.shown == (0, 0, 128, 64)
    x, y, width, height = cropped.seen
    assert width == whole[2] or height == whole[3]
    assert abs(width - 2 * height) <= 1
    assert x == whole[0] + (whole[2] - width) // 2
    assert y == whole[1] + (whole[3] - height) // 2


def test_the_bars_of_a_letterbox() -> None:
    picture = from_bgr(np.full((100, 100, 3), (10, 20, 30), np.uint8))
    network = np.zeros((64, 128, 3), np.uint8)
    view('letterbox').prepare(picture, network)
    assert (network[:, 32:96] == (30, 20, 10)).all()
    assert (network[:, :32] == BARS).all()
    assert (network[:, 96:] == BARS).all()
    wide = from_bgr(np.full((10, 100, 3), (10, 20, 30), np.uint8))
    placement = view('letterbox').prepare(wide, network)
    assert placement.shown == (0, 25, 128, 13)
    assert (network[25:38] == (30, 20, 10)).all()
    assert (network[:25] == BARS).all()
    assert (network[38:] == BARS).all()


def test_bars_end_where_labels_do() -> None:
    coarse = view('letterbox', label_stride=4).placement((100, 61))
    assert coarse.label_size == (32, 16)
    assert coarse.shown == (3, 0, 26, 16)


def test_sizes_of_what_is_published() -> None:
    assert view(output='camera').placement((200, 150)).output_size == (200, 150)
    assert view(output=(40, 30)).placement((200, 150)).output_size == (40, 30)
    assert view(output='network').placement((200, 150)).output_size == (128, 64)
    boxed = view('letterbox', output='network').placement((150, 150))
    assert boxed.output_size == (64, 64)
    part = view(output='network', region=(10, 20, 30, 40)).placement((200, 150))
    assert part.framed == (10, 20, 30, 40)
    assert view(output='camera', region=(10, 20, 30, 40)).placement((200, 150)).framed[2:] == (
        200,
        150,
    )


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('output', ['camera', 'network', (50, 37)])
@pytest.mark.parametrize('region', [None, (20, 30, 100, 80)])
def test_intrinsics_follow_the_pixels(geometry: Geometry, output: Any, region: Any) -> None:
    placement = view(geometry, output=output, region=region).placement((200, 150))
    k = [150.0, 0.0, 99.5, 0.0, 160.0, 74.5, 0.0, 0.0, 1.0]
    p = [150.0, 0.0, 99.5, -30.0, 0.0, 160.0, 74.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    new_k, new_p = placement.intrinsics(k, p)
    x, y, width, height = placement.framed
    for side, (focal, centre) in enumerate(((0, 2), (4, 5))):
        start, length = (x, y)[side], (width, height)[side]
        scale = placement.output_size[side] / length
        assert new_k[focal] == pytest.approx(k[focal] * scale)
        # Edges of pixels: half a pixel before their centres.
        assert new_k[centre] + 0.5 == pytest.approx((k[centre] + 0.5 - start) * scale)
    assert new_p[:3] + new_p[4:7] == pytest.approx(new_k[:6])
    assert new_p[3] == pytest.approx(-30 * placement.output_size[0] / width)


def test_the_placement_of_a_size_is_kept() -> None:
    one = view()
    first = one.placement((200, 150))
    assert one.placement((200, 150)) is first
    assert one.placement((100, 150)) is not first


def test_results_outlive_the_next() -> None:
    placement = view().placement((200, 150))
    grid = np.random.default_rng(3).integers(0, 19, (64, 128), np.uint8)
    first = placement.restore(grid, 255)
    kept = first.copy()
    placement.restore(grid[::-1].copy(), 255)
    np.testing.assert_array_equal(first, kept)


def test_a_picture_is_restored_into_given_memory() -> None:
    placement = view('crop').placement((200, 150))
    grid = np.random.default_rng(3).integers(0, 19, (64, 128), np.uint8)
    out = np.full((150, 200), 77, np.uint8)
    assert placement.restore(grid, 255, out) is out
    np.testing.assert_array_equal(out, placement.restore(grid, 255))


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r'expected \(height, width\) \(64, 128\) .* got \(128, 64'
    ):
        view().placement((200, 150)).restore(np.zeros((128, 64), np.uint8), 0)


@pytest.mark.parametrize(
    ('size', 'options', 'factor'),
    [
        ((1024, 512), {}, 8),
        ((1016, 512), {}, 4),  # an eighth would have less than the network takes
        ((256, 128), {}, 2),
        ((255, 128), {}, 1),
        ((1026, 514), {}, 2),  # in whole pixels no further
        ((1025, 513), {}, 1),
        ((1024, 512), {'region': (64, 64, 512, 256)}, 4),
        ((1024, 512), {'region': (66, 64, 512, 256)}, 2),
        ((1024, 512), {'geometry': 'letterbox'}, 8),
        ((512, 512), {'geometry': 'letterbox'}, 8),
        ((512, 512), {'geometry': 'crop'}, 4),
    ],
)
def test_how_much_smaller_an_image_may_be_decoded(
    size: tuple[int, int], options: dict[str, Any], factor: int
) -> None:
    assert view(**options).reduction(size) == factor


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('region', [None, (64, 32, 128, 64)])
def test_a_smaller_decoded_image_lies_where_the_whole_one_does(
    geometry: Geometry, region: Any
) -> None:
    coarse = np.random.default_rng(4).integers(0, 256, (32, 64, 3), np.uint8)
    fine = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    one = View(tiny_contract(width=32, height=16, stride=4), geometry=geometry, region=region)
    assert one.reduction((256, 128)) >= 4
    networks = np.zeros((2, 16, 32, 3), np.uint8)
    whole = one.prepare(from_bgr(fine), networks[0])
    reduced = one.prepare(RawImage('bgr8', 256, 128, coarse, 4), networks[1])
    assert reduced is whole
    if region:
        np.testing.assert_array_equal(networks[0], networks[1])


@pytest.mark.parametrize('region', [(0, 0, 201, 150), (0, 1, 200, 150), (200, 0, 1, 1)])
def test_a_region_beside_the_image_is_refused(region: Any) -> None:
    one = view(region=region)
    with pytest.raises(
        ImageError, match=r'within the image of 200x150, got \[\d+, \d+, \d+, \d+\]'
    ):
        one.placement((200, 150))


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'geometry': 'squash'}, "expected one of stretch, letterbox, crop, got 'squash'"),
        ({'output': 'both'}, "expected 'camera', 'network' or .* got 'both'"),
        ({'output': (0, 5)}, r'got \(0, 5\)'),
        ({'output': (5, 8193)}, r'of 1 to 8192 pixels, got \(5, 8193\)'),
        ({'region': (0, 0, 0, 5)}, r'region: expected x, y .* got \[0, 0, 0, 5\]'),
        ({'region': (-1, 0, 5, 5)}, r'got \[-1, 0, 5, 5\]'),
    ],
)
def test_what_is_no_view_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        view(**options)
