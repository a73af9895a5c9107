from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seg_perception.benchmark.null_model import write_null_model
from seg_perception.core.labels import load_label_set
from seg_perception.inference.choice import check_labels, create_runner


def test_it_keeps_the_contract_and_labels_by_colour(tmp_path: Path) -> None:
    labels = load_label_set('cityscapes')
    # 19 columns of 16 pixels, one of each class's colour; another order in the second image.
    columns = np.repeat([label.color for label in labels.labels], 16, axis=0).astype(np.uint8)
    images = np.stack([np.broadcast_to(row, (64, 304, 3)) for row in (columns, columns[::-1])])
    path = write_null_model(tmp_path / 'null.onnx', width=304, height=64)
    with create_runner('onnxruntime', path, threads=1) as runner:
        check_labels(runner.contract, labels)
        found = runner.infer(np.ascontiguousarray(images)).label
        assert found.shape == (2, 16, 76)
    # The middle of each column; between two classes a third may be nearer.
    expected = np.arange(19)
    assert (found[0, :, 2::4] == expected).all()
    assert (found[1, :, 1::4] == expected[::-1]).all()


def test_a_size_that_it_cannot_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='multiples of 8, got 100x64'):
        write_null_model(tmp_path / 'null.onnx', width=100, height=64)
