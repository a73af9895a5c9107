"""Average pooling and bilinear up-sampling written as matrices.

Both are linear and separable: for features `X` [h, w] the result is `A_h @ X @ A_w.T` with one
constant matrix a side. Exporters fail or unroll thousands of nodes on adaptive pooling whose
windows differ; two matrix products are exact for any size and run everywhere.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def pooling_matrix(length: int, bins: int) -> npt.NDArray[np.float64]:
    """Return the matrix [bins, length] of adaptive average pooling along one side.

    Window `i` spans `floor(i * length / bins)` to `ceil((i + 1) * length / bins)`, the rule of
    `torch.nn.AdaptiveAvgPool2d`, on which published PSPNet weights were trained.
    """
    matrix = np.zeros((bins, length))
    for index in range(bins):
        start = index * length // bins
        end = -(-(index + 1) * length // bins)
        matrix[index, start:end] = 1.0 / (end - start)
    return matrix


def upsampling_matrix(length: int, size: int, *, align_corners: bool) -> npt.NDArray[np.float64]:
    """Return the matrix [size, length] of bilinear up-sampling along one side.

    With `align_corners` the first and last samples coincide; without, pixels are areas and the
    half-pixel rule holds, with samples beyond the border clamped.
    """
    target = np.arange(size, dtype=np.float64)
    if align_corners:
        source = target * ((length - 1) / (size - 1) if size > 1 else 0.0)
    else:
        source = np.clip((target + 0.5) * length / size - 0.5, 0, length - 1)
    near = np.minimum(source.astype(np.int64), length - 1)
    far = np.minimum(near + 1, length - 1)
    share = source - near
    matrix = np.zeros((size, length))
    rows = np.arange(size)
    np.add.at(matrix, (rows, near), 1.0 - share)
    np.add.at(matrix, (rows, far), share)
    return matrix
