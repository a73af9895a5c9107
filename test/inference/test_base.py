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


def test_one_bad_number_is_enough_to_refuse_logits() -> None:
    logits = np.zeros((2, 19, 8, 16), np.float32)
    logits[1, 18, 7, 15] = np.nan
    with pytest.raises(RunnerError, match='got NaN or infinity; the frame is refused'):
        HostFinish(tiny_contract())(logits, want_confidence=True)
