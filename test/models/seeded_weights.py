"""Weights and pictures that follow from a name, a shape and a seed alone, on every machine.

The outputs in `goldens/` are those of other projects' networks on what these rules give. The bits
are a generator's raw ones, which numpy keeps the same for ever, as it does not its distributions.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def seeded_tensor(name: str, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the tensor of a network's state that has this name and shape.

    Convolutions keep about the size of what passes them, without a mean of their own. The
    statistics of normalisation are of the usual size and all different, so that each matters.
    """
    values = _uniform(zlib.crc32(f'{name} {list(shape)}'.encode()), math.prod(shape))
    values = values.reshape(tuple(shape))
    if name.endswith('num_batches_tracked'):
        values[...] = 0
    elif name.endswith(('running_mean', 'bias')):
        values /= 4
    elif len(shape) == 1:
        values /= 2
        values += 1
    else:
        values -= values.mean(axis=tuple(range(1, len(shape))), keepdims=True)
        values *= math.sqrt(3 / math.prod(shape[1:]))
    return values


def seeded_picture(seed: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return an image [height, width, 3]: patches of 16 pixels a side with grain."""
    rows, columns = -(-height // 16), -(-width // 16)
    patches = _uniform(seed, rows * columns * 3).reshape(rows, columns, 3)
    grain = _uniform(seed + 1_000_000, height * width * 3).reshape(height, width, 3)
    large = patches.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
    return np.round(127.5 + 95 * large + 32 * grain).astype(np.uint8)


def _uniform(seed: int, count: int) -> npt.NDArray[np.float32]:
    """Return numbers from -1 to 1, each exact in 24 bits."""
    raw = np.random.SFC64(seed).random_raw(-(-count // 2)).view(np.uint32)[:count]
    values: npt.NDArray[np.float32] = (raw >> np.uint32(8)).astype(np.float32) * np.float32(2**-23)
    return values - 1
