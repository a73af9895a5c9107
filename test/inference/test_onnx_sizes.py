from __future__ import annotations

import numpy as np
import pytest

from seg_perception.inference.onnx_sizes import Known, Numbers, least_size

PICTURE = Known(size=24_576)


@pytest.mark.parametrize(
    ('operator', 'inputs', 'attributes', 'size'),
    [
        ('ConstantOfShape', [Known([3, 4, 5])], {}, 60),
        ('ConstantOfShape', [Known([3, 0])], {}, 0),
        ('Expand', [PICTURE, Known([1, 1])], {}, 24_576),
        ('Expand', [Known(size=2), Known([5, 2])], {}, 10),
        ('Tile', [PICTURE, Known([1, 2, 3])], {}, 6 * 24_576),
        ('Resize', [PICTURE, Known(), Known(), Known([1, 3, 8, 9])], {}, 216),
        ('Resize', [PICTURE, Known(), Known([1, 1, 2, 2])], {}, 4 * 24_576),
        ('Resize', [PICTURE, Known([1, 1, 0.5, 0.5])], {}, 24_576 / 4),
        ('Upsample', [PICTURE], {'scales': [1, 1, 3, 3]}, 9 * 24_576),
        ('Pad', [PICTURE, Known([0, 2, 0, 3])], {}, 6),
        ('Pad', [PICTURE], {'pads': [1, 1]}, 3),
        ('Pad', [PICTURE, Known([-5, -5])], {}, 0),
        ('Range', [Known([0]), Known([10]), Known([2])], {}, 5),
        ('Range', [Known([0]), Known([10]), Known([0])], {}, 1),
        ('Range', [Known([0]), Known([np.nan]), Known([1])], {}, 1),
        ('OneHot', [PICTURE, Known([19]), Known([0, 1])], {}, 19 * 24_576),
        ('ConvTranspose', [PICTURE], {'output_shape': [8, 8]}, 64),
        ('RandomNormal', [], {'shape': [7, 7]}, 49),
        ('Concat', [PICTURE, PICTURE], {}, 2 * 24_576),
        ('Add', [Known(size=3), PICTURE], {}, 24_576),
        ('Conv', [PICTURE], {}, 1),
        ('Tile', [], {}, 1),
        ('ConstantOfShape', [Known([1e30, 1e30])], {}, 1e30),
    ],
)
def test_sizes(
    operator: str, inputs: list[Known], attributes: dict[str, Numbers], size: float
) -> None:
    assert least_size(operator, inputs, attributes) == size
