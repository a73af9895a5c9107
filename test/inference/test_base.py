from __future__ import annotations

import numpy as np
import pytest

from seg_perception.inference.base import HostFinish, RunnerError
from test.tiny_model import tiny_contract


def test_logits_of_another_shape_than_declared_are_refused() -> None:
    finish = HostFinish(tiny_contract())
    label, confidence = finish(np.zeros((2, 19, 8, 16), np.float32), want_confidence=False)
    assert label.shape == (2, 64, 128)
    assert confidence is None
    with pytest.raises(RunnerError, match=r'images of \[19, 8, 16\] as the .* got \[19, 16, 8\]'):
        finish(np.zeros((2, 19, 16, 8), np.float32), want_confidence=False)


# Differences of -3e38 overflow, and NaN would make a certain road of any class.
@pytest.mark.parametrize(
    ('bad', 'dtype'),
    [
        (np.nan, np.float32),
        (np.inf, np.float32),
        (-np.inf, np.float32),
        (-3e38, np.float32),
        (np.inf, np.float16),
    ],
)
def test_one_bad_number_is_enough_to_refuse_logits(
    bad: float, dtype: type[np.float32 | np.float16]
) -> None:
    logits = np.zeros((2, 19, 8, 16), dtype)
    logits[1, 18, 7, 15] = bad
    with pytest.raises(RunnerError, match=r'expected finite numbers within 1e\+30.* is refused'):
        HostFinish(tiny_contract())(logits, want_confidence=True)


@pytest.mark.parametrize('align_corners', [False, True])
def test_large_logits_are_finished_as_others_are(align_corners: bool) -> None:
    contract = tiny_contract(align_corners=align_corners)
    logits = np.full((1, 19, 8, 16), -9e29, np.float32)
    logits[:, 13] = 9e29
    label, confidence = HostFinish(contract)(logits, want_confidence=True)
    assert np.unique(label).tolist() == [13]
    assert confidence is not None
    assert np.unique(confidence).tolist() == [255]
