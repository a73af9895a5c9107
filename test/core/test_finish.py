from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.finish import Finisher, finish_reference

SIZES = [
    ((16, 8), (128, 64)),
    ((16, 8), (16, 8)),
    ((12, 9), (96, 65)),
    ((45, 45), (357, 357)),
    ((1, 1), (8, 8)),
    ((1, 5), (3, 33)),
    ((10, 6), (30, 12)),
    ((70, 61), (350, 244)),
]


def smooth_logits(classes: int, size: tuple[int, int], seed: int = 0) -> npt.NDArray[np.float32]:
    """Logits as of a network: blobs, with neighbours that agree."""
    width, height = size
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phase = generator.uniform(0, 2 * np.pi, (classes, 2, 1, 1))
    rate = generator.uniform(0.1, 0.6, (classes, 2, 1, 1))
    waves = np.sin(x * rate[:, 0] + phase[:, 0]) * np.cos(y * rate[:, 1] + phase[:, 1])
    return np.asarray(5 * waves, np.float32)


def noisy_logits(classes: int, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Logits with neighbours that never agree."""
    return np.random.default_rng(9).normal(size=(classes, *size[::-1])).astype(np.float32)


def upsampled(
    logits: npt.NDArray[np.float32], size: tuple[int, int], align_corners: bool
) -> npt.NDArray[np.float64]:
    """Bilinear up-sampling written out pixel by pixel."""
    classes, rows, columns = logits.shape
    width, height = size
    result = np.empty((classes, height, width))

    def place(target: int, sources: int, targets: int) -> tuple[int, int, float]:
        if align_corners:
            at = target * (sources - 1) / (targets - 1) if targets > 1 else 0.0
        else:
            at = min(max((target + 0.5) * sources / targets - 0.5, 0), sources - 1)
        first = int(at)
        return first, min(first + 1, sources - 1), at - first

    for y in range(height):
        above, below, down = place(y, rows, height)
        for x in range(width):
            left, right, along = place(x, columns, width)
            top = (1 - along) * logits[:, above, left] + along * logits[:, above, right]
            bottom = (1 - along) * logits[:, below, left] + along * logits[:, below, right]
            result[:, y, x] = (1 - down) * top + down * bottom
    return result


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(
    ('grid', 'size'), [((5, 4), (40, 32)), ((3, 7), (17, 50)), ((1, 2), (4, 9))]
)
def test_the_reference_is_its_definition(
    grid: tuple[int, int], size: tuple[int, int], align_corners: bool
) -> None:
    logits = smooth_logits(4, grid)
    label, confidence = finish_reference(logits, size, align_corners)
    full = upsampled(logits, size, align_corners)
    runner_up, best = np.sort(full, axis=0)[-2:]
    clear = best - runner_up > 1e-9
    np.testing.assert_array_equal(label[clear], full.argmax(axis=0)[clear])
    exponents = np.exp(logits.astype(np.float64))
    largest = (exponents / exponents.sum(axis=0)).max(axis=0, keepdims=True)
    exact = upsampled(largest.astype(np.float32), size, align_corners)[0] * 255
    assert np.abs(confidence - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(('grid', 'size'), SIZES)
@pytest.mark.parametrize('classes', [1, 2, 19])
@pytest.mark.parametrize('make', [smooth_logits, noisy_logits])
def test_the_finish_is_the_reference(
    make: Callable[[int, tuple[int, int]], npt.NDArray[np.float32]],
    classes: int,
    grid: tuple[int, int],
    size: tuple[int, int],
    align_corners: bool,
) -> None:
    logits = make(classes, grid)
    label, confidence = Finisher(classes, grid, size, align_corners)(logits)
    expected_label, expected_confidence = finish_reference(logits, size, align_corners)
    assert confidence is not None
    assert label.dtype == confidence.dtype == np.uint8
    assert label.shape == confidence.shape == (size[1], size[0])
    # float32 against float64: what differs is a tie but for rounding.
    differs = label != expected_label
    assert differs.mean() <= 1e-4
    if differs.any():
        runner_up, best = np.sort(upsampled(logits, size, align_corners), axis=0)[-2:]
        assert (best - runner_up)[differs].max() < 1e-4
    distance = np.abs(confidence.astype(int) - expected_confidence)
    assert distance.max() <= 1
    assert (distance > 0).mean() <= 1e-3


@pytest.mark.parametrize('align_corners', [False, True])
def test_many_classes(align_corners: bool) -> None:
    logits = smooth_logits(254, (8, 6))
    label, _ = Finisher(254, (8, 6), (32, 24), align_corners)(logits)
    expected, _ = finish_reference(logits, (32, 24), align_corners)
    np.testing.assert_array_equal(label, expected)
    assert label.max() > 200


@pytest.mark.parametrize('align_corners', [False, True])
def test_the_lowest_index_wins_a_tie(align_corners: bool) -> None:
    logits = np.zeros((5, 4, 4), np.float32)
    logits[[2, 4]] = 1.5
    label, _ = Finisher(5, (4, 4), (32, 32), align_corners)(logits)
    expected, _ = finish_reference(logits, (32, 32), align_corners)
    assert (label == 2).all()
    assert (expected == 2).all()


def test_negative_logits_have_labels_too() -> None:
    logits = np.full((3, 2, 2), -900.0, np.float32)
    logits[1] = -800
    label, confidence = Finisher(3, (2, 2), (16, 16), False)(logits)
    assert (label == 1).all()
    assert confidence is not None
    assert (confidence == 255).all()


def test_confidence_is_the_largest_softmax() -> None:
    logits = np.zeros((4, 2, 2), np.float32)
    logits[3] = np.log(6)  # 6 of 9
    label, confidence = Finisher(4, (2, 2), (8, 8), False)(logits)
    assert confidence is not None
    assert (label == 3).all()
    assert (confidence == 170).all()
    assert Finisher(4, (2, 2), (8, 8), False)(logits, want_confidence=False)[1] is None


def test_half_floats() -> None:
    logits = smooth_logits(3, (6, 4)).astype(np.float16)
    label, _ = Finisher(3, (6, 4), (24, 16), False)(logits)
    np.testing.assert_array_equal(label, finish_reference(logits, (24, 16), False)[0])


@pytest.mark.parametrize('align_corners', [False, True])
def test_results_outlive_the_next_call(align_corners: bool) -> None:
    finish = Finisher(3, (6, 4), (24, 16), align_corners)
    first = finish(smooth_logits(3, (6, 4), seed=1))
    kept = [array.copy() for array in first if array is not None]
    second = finish(smooth_logits(3, (6, 4), seed=2))
    assert any((a != b).any() for a, b in zip(kept, second, strict=True))
    for before, after in zip(kept, first, strict=True):
        np.testing.assert_array_equal(before, after)


def test_logits_of_another_shape_are_refused() -> None:
    finish = Finisher(3, (6, 4), (24, 16), False)
    with pytest.raises(ValueError, match=r'expected shape \(3, 4, 6\), got \(3, 6, 4\)'):
        finish(np.zeros((3, 6, 4), np.float32))
