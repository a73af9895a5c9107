"""The examples of docs/python.md run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from seg_perception.sim.scene import Scene

PAGE = Path(__file__).parents[2] / 'docs' / 'python.md'


def test_the_examples_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = Scene(3, 1280, 720).frame(1.0)
    cv2.imwrite('street.jpg', frame.bgr)
    names: dict[str, Any] = {}
    examples = re.findall(r'```python\n(.*?)```', PAGE.read_text(encoding='utf-8'), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(example, names)  # noqa: S102  (our own page)
    drivable = cv2.imread('drivable.png', cv2.IMREAD_GRAYSCALE)
    road = frame.label == 0
    assert np.count_nonzero(road & (drivable == 255)) > 0.8 * np.count_nonzero(road)
    assert re.fullmatch(
        r'\(330, 640\): \d\d % is drivable, made in \d+ ms\n', capsys.readouterr().out
    )
