"""Intrinsics of a pinhole camera as plain numbers, in the order of sensor_msgs/CameraInfo."""

from __future__ import annotations

from collections.abc import Iterable


def scale_intrinsics(
    k: Iterable[float],
    p: Iterable[float],
    from_size: tuple[int, int],
    to_size: tuple[int, int],
) -> tuple[list[float], list[float]]:
    """Return K and P of an image after it was resized.

    Pixel centres have whole coordinates, so that the picture's edge lies at -0.5: a centre (cx, cy)
    becomes (cx + 0.5) * scale - 0.5. Distortion and rectification do not depend on the size.

    An image that was binned by its camera is scaled from the size before the binning, one of a
    region of the sensor has the region's offset taken from cx and cy before.

    :param k: camera matrix, 9 numbers, row-major, in pixels of `from_size`.
    :param p: projection matrix, 12 numbers, row-major; its fourth column scales along.
    :param from_size: (width, height) that `k` and `p` are for.
    :param to_size: (width, height) of the resized image.
    """
    return _scale_matrix(k, from_size, to_size), _scale_matrix(p, from_size, to_size)


def crop_intrinsics(
    k: Iterable[float], p: Iterable[float], corner: tuple[int, int]
) -> tuple[list[float], list[float]]:
    """Return K and P of an image after it was cropped to a region.

    :param corner: (x, y) of the region's first pixel.
    """
    matrices = [float(value) for value in k], [float(value) for value in p]
    for matrix in matrices:
        columns = len(matrix) // 3
        matrix[2] -= corner[0]
        matrix[columns + 2] -= corner[1]
    return matrices


def _scale_matrix(
    matrix: Iterable[float], from_size: tuple[int, int], to_size: tuple[int, int]
) -> list[float]:
    result = [float(value) for value in matrix]
    columns = len(result) // 3
    for row in (0, 1):
        scale = to_size[row] / from_size[row]
        first = row * columns
        for place in range(first, first + columns):
            result[place] *= scale
        result[first + 2] += (scale - 1) / 2
    return result
